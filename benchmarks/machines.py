"""A virtual machine made of what is here: a kernel, this Python, hooktop and what it needs, all of it in memory."""

from __future__ import annotations

import contextlib
import json
import lzma
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from threading import Timer
from typing import Any

from benchmarks.programs import machine

ROOT = Path(__file__).parent.parent
DRIVERS = ("virtio_pci", "virtio_net", "virtio_scsi", "sd_mod")
LEFT_OUT = {"site-packages", "test", "idlelib", "tkinter", "ensurepip", "lib2to3", "turtledemo"}
NETWORK = "virtio-net-pci,netdev=net,romfile="
PATIENCE_S = 900


class Machines:
    """What each machine is started with: the kernel under a folder, a request that it can post, and a public key.

    Raises LookupError with a sentence where something is not there.
    """

    def __init__(self, qemu: str, accel: str, kernel: Path, request: bytes, key: Path, folder: Path) -> None:
        images = sorted((kernel / "boot").glob("vmlinuz-*"))
        if not images:
            raise LookupError(f"there is no kernel in {kernel / 'boot'}: --kernel names the folder with boot and lib")
        for tool in (qemu, "mke2fs", "dumpe2fs", "e2fsck", "debugfs", "ldd"):
            if shutil.which(tool) is None:
                raise LookupError(f"there is no {tool}: QEMU for x86-64, e2fsprogs and ldd are needed")
        modules = kernel / "lib/modules" / images[-1].name.removeprefix("vmlinuz-")
        files = archive(system(modules, request, key), folder / "system.cpio")
        self._command = [
            qemu, "-accel", accel, "-cpu", "max", "-smp", "2", "-m", "1536", "-nodefaults", "-no-reboot",
            "-display", "none", "-serial", "stdio", "-kernel", str(images[-1]), "-initrd", str(files),
            "-device", "virtio-scsi-pci",
        ]  # fmt: skip

    @contextlib.contextmanager
    def machine(self, argument: str, disks: Sequence[str], network: str = "") -> Iterator[subprocess.Popen[bytes]]:
        """A machine whose console is a pipe. It is killed at the end."""
        command = [*self._command, "-append", f"console=ttyS0 quiet panic=-1 mitigations=off -- {argument}"]
        if network:
            command += ["-netdev", network, "-device", NETWORK]
        for at, disk in enumerate(disks):
            command += ["-blockdev", f"{disk},node-name=disk{at}"]
            command += ["-device", f"scsi-hd,drive=disk{at},scsi-id={at},write-cache=on"]
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
        late = Timer(PATIENCE_S, process.kill)
        late.start()
        try:
            yield process
        finally:
            late.cancel()
            process.kill()
            process.wait()


def said(process: subprocess.Popen[bytes]) -> dict[str, Any]:
    """The next line that a machine says."""
    assert process.stdout is not None
    for line in process.stdout:
        text = line.decode("utf-8", "replace")
        if machine.SAID in text:
            return dict(json.loads(text.partition(machine.SAID)[2]))
        print(f"  {text.rstrip()}")
    raise RuntimeError("the machine ended")


def packages(name: str = "hooktop", seen: set[str] | None = None) -> Iterator[Distribution]:
    """What a package needs, and what that needs."""
    seen = set() if seen is None else seen
    for requirement in distribution(name).requires or ():
        needed = re.split(r"[^\w.-]", requirement, maxsplit=1)[0].lower()
        if needed not in seen and "extra ==" not in requirement:
            seen.add(needed)
            with contextlib.suppress(PackageNotFoundError):  # one for other systems
                yield distribution(needed)
                yield from packages(needed, seen)


def drivers(modules: Path) -> Iterator[bytes]:
    """The kernel's modules for the machine, each after those it needs."""
    found = {path.name.partition(".")[0].replace("-", "_"): path for path in modules.rglob("*.ko*")}

    def needed(name: str) -> Iterator[bytes]:
        if (path := found.pop(name, None)) is not None:  # else it is loaded, or in the kernel itself
            module = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
            needs = re.search(rb"\0depends=([^\0]*)", module)
            for other in needs[1].decode().split(",") if needs else ():
                yield from needed(other)
            yield module

    for name in DRIVERS:
        yield from needed(name)


def system(modules: Path, request: bytes, key: Path) -> dict[Path, Path | bytes]:
    """The machine's files: this Python, hooktop and what it needs, each where it is here, and the first process."""
    python = Path(sys.executable).resolve()
    library = Path(sysconfig.get_path("stdlib"))
    chosen = [path for top in library.iterdir() if top.name not in LEFT_OUT and not top.name.startswith("config-")
              for path in (top.rglob("*") if top.is_dir() else [top])]  # fmt: skip
    sites = {Path(str(package.locate_file(""))) for package in packages()}
    chosen += [Path(str(file.locate())) for package in packages() for file in package.files or ()]
    chosen += (ROOT / "monitor").rglob("*")
    files: dict[Path, Path | bytes] = {path: path for path in chosen if path.is_file() and ".." not in path.parts}
    binaries = [str(path) for path in (python, *files) if path == python or ".so" in path.suffixes]
    linked = subprocess.run(["ldd", *binaries], capture_output=True, text=True, check=False).stdout
    files |= {Path(name): Path(name) for name in re.findall(r"^\t(?:.* => )?(/\S+) \(", linked, re.MULTILINE)}
    script = Path(machine.__file__).read_bytes()
    environ = {"PYTHONPATH": ":".join(map(str, (ROOT, *sites))), "VOLT_PUBLIC_KEY": str(machine.ROOT / "key")}
    return files | {
        python: python,
        Path("/init"): f"#!{python}\n".encode() + script,
        machine.ROOT / "key": key,
        machine.ROOT / "request": request,
        machine.ROOT / "environment": json.dumps(environ).encode(),
        **{machine.ROOT / "drivers" / f"{at:02}": module for at, module in enumerate(drivers(modules))},
    }


def archive(files: Mapping[Path, Path | bytes], into: Path) -> Path:
    """The files as the kernel takes them into memory at its start (cpio, newc)."""
    folders = {parent for path in files for parent in path.parents if parent.name} | {Path("/root")}
    with into.open("wb") as out:
        for number, path in enumerate([*sorted(folders), *files, Path("/TRAILER!!!")], 1):
            what = files.get(path, b"")
            data, mtime = (what, 0) if isinstance(what, bytes) else (what.read_bytes(), int(what.stat().st_mtime))
            name = str(path)[1:].encode() + b"\0"
            mode = 0o40755 if path in folders else 0o100755
            fields = (number, mode, 0, 0, 1, mtime, len(data), 0, 0, 0, 0, len(name), 0)
            head = b"070701" + b"".join(b"%08X" % one for one in fields) + name
            out.write(head + bytes(-len(head) % 4) + data + bytes(-len(data) % 4))
    return into
