"""The first process of a virtual machine whose power is cut: it has hooktop listen on a disk, or looks at many disks.

``listen FULL``: on the first disk, until the power goes. ``listen OFF`` (or ``NORMAL``) is what hooktop is not: it
answers before the sync. ``look COUNT``: each disk is mounted, which replays its journal, hooktop begins on it, is sent
a request and ends; a line says what became of it. Nothing but the standard library is imported here.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import time
from pathlib import Path

ADDRESS, PORT = "10.0.2.15", 8787  # what QEMU's own network gives the machine
ROOT = Path("/machine")
SAID = "machine: "  # what a line on the console begins with that is meant for the other side
DISKS = Path("/sys/class/scsi_device")
UNSYNCED = """
import functools, sqlite3, sys
class Unsynced(sqlite3.Connection):
    def execute(self, sql, *values):
        return super().execute(sql.replace("synchronous = FULL", "synchronous = {}"), *values)
sqlite3.connect = functools.partial(sqlite3.connect, factory=Unsynced)
from monitor.cli import main
main()
"""
libc = ctypes.CDLL(None, use_errno=True)


def say(**what: object) -> None:
    """Tell the other side."""
    print(SAID + json.dumps(what), flush=True)


def call(done: int) -> None:
    """Raises OSError where a call into the system says that it failed."""
    if done != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))


def mount(kind: str, what: str, where: Path) -> None:
    """Mount, with the options that are the kernel's own choice."""
    where.mkdir(exist_ok=True)
    call(libc.mount(what.encode(), str(where).encode(), kind.encode(), 0, None))


def interface(name: str, address: str | None = None) -> None:
    """Let a network interface work."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        for request, value in ((0x8916, address), (0x891C, address and "255.255.255.0")):  # its address, its mask
            if value is not None:
                packed = struct.pack("16sHH4s8x", name.encode(), socket.AF_INET, 0, socket.inet_aton(value))
                fcntl.ioctl(sock, request, packed)
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH14x", name.encode(), 0x1 | 0x40))  # up and running


def begin() -> None:
    """What a machine needs before anything else: its file systems, drivers and network."""
    for kind, where in (("proc", "/proc"), ("sysfs", "/sys"), ("devtmpfs", "/dev")):
        mount(kind, kind, Path(where))
    for module in sorted((ROOT / "drivers").iterdir()):
        with module.open("rb") as file:
            call(libc.syscall(313, file.fileno(), b"", 0))  # finit_module
    interface("lo")


def disks(count: int) -> list[str]:
    """The names of the disks, once all are there."""
    while len(found := list(DISKS.glob("*/device/block/*"))) < count:
        time.sleep(0.05)
    return [path.name for path in sorted(found, key=lambda path: [int(n) for n in path.parts[4].split(":")])]


def listening(host: str, synchronous: str = "FULL") -> tuple[subprocess.Popen[bytes], str]:
    """``hooktop listen`` on the disk that is mounted, and the line that says that it listens, or nothing."""
    how = ["-m", "monitor"] if synchronous == "FULL" else ["-c", UNSYNCED.replace("{}", synchronous)]
    command = [sys.executable, *how, "listen", "--json", "--host", host, "--port", str(PORT), "--db", "/disk/h.db"]
    environ = {"HOME": "/root", "PATH": "/", "LANG": "C.UTF-8", **json.loads((ROOT / "environment").read_text("utf-8"))}
    process = subprocess.Popen(command, env=environ, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    assert process.stdout is not None
    return process, process.stdout.readline().decode()


def listen(synchronous: str) -> None:
    """Receive on the first disk."""
    interface("eth0", ADDRESS)
    mount("ext4", f"/dev/{disks(1)[0]}", Path("/disk"))
    process, line = listening(ADDRESS, synchronous)
    say(listening=line)
    assert process.stdout is not None
    while process.stdout.read(1 << 16):
        pass
    say(ended=process.wait())


def look(count: int) -> None:
    """Begin hooktop on each disk, post one request, end it; a line each."""
    for number, name in enumerate(disks(count)):
        status, code = 0, None
        try:
            mount("ext4", f"/dev/{name}", Path("/disk"))
            process, line = listening("127.0.0.1")
            if line:
                status = post((ROOT / "request").read_bytes())
            process.terminate()
            process.communicate(timeout=60)
            code = process.returncode
            files = sorted(path.name for path in Path("/disk").iterdir())
            call(libc.umount(b"/disk"))
            say(disk=number, status=status, code=code, files=files)
        except OSError as error:
            say(disk=number, status=status, code=code, error=str(error))
    say(ended=0)


def post(request: bytes) -> int:
    """The status of the answer to a whole HTTP request."""
    with socket.create_connection(("127.0.0.1", PORT), 60) as sock:
        sock.sendall(request)
        return int(sock.recv(4096).split()[1])


if __name__ == "__main__":
    begin()
    mode, value = sys.argv[1:]
    if mode == "listen":
        listen(value)
    else:
        look(int(value))
    os.sync()
    libc.reboot(0x4321FEDC)  # off
