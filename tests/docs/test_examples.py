"""The examples of docs/commands.md are run as they stand in a scratch home; ports and ids are those of the test."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from docs.make import commands, told
from tests.cli.deliveries import Volt
from tests.cli.processes import WAIT_S, event, signed
from tests.e2e.programs import environment, listening
from tests.e2e.terminal import Terminal
from tests.ports import free_port
from tests.sandbox.apis import key_of
from tests.web import Asked, web

pytestmark = pytest.mark.slow

MESSAGE = "40318006-1cae-4997-acbc-fe9a4aadb7dd"
NOT_RUN = {
    "hooktop --tunnel cloudflared --ephemeral": "needs the tunnel program and the network",
    "hooktop listen --tunnel cloudflared --ephemeral": "needs the tunnel program and the network",
    "hooktop webhooks rehearse": "leads out to the network",
    "hooktop webhooks rehearse --public-url https://hooks.example.com": "leads out to the network",
    'eval "$(hooktop completion zsh)"': "is for another shell",
}
ELIDED = re.compile(r"'[\w-]+: \.\.\.'")  # values that nobody can have but who has the request
SCREENS = ("run", "demo", "open")
GOES_ON = re.compile(r"--follow|hooktop listen(?!.*--count)|hooktop sandbox(?!.*--list)")
ASKED = (
    "hooktop accounts add connectly",
    "hooktop accounts add bird --name bird-eu",
    "hooktop accounts change bird-eu",
)
NOT_ALL_VERIFY = "hooktop verify --all"  # Bird signs the address, and its webhook was posted to another one
ADD_BIRD = (
    "hooktop accounts add bird --name bird-eu --set access_key=env:BIRD_ACCESS_KEY --set api_url=$BIRD_API_URL"
    " --set workspace_id=$BIRD_WORKSPACE_ID --set organization_id=$BIRD_ORGANIZATION_ID"
)
ADD_VOLT = "hooktop accounts add volt --set token=env:VOLT_API_TOKEN --set api_url=$VOLT_API_URL"
ADD_SHOP = (
    "hooktop accounts add connectly --name shop --set api_key=env:CONNECTLY_API_KEY --set api_url=$CONNECTLY_API_URL"
    " --set business_id=$CONNECTLY_BUSINESS_ID"
)
REGISTERED = "hooktop webhooks add --provider bird event=sms.interaction --json"
# What is done before, in the same home.
BEFORE = {
    "import": ("hooktop export -o failed.jsonl", "hooktop export --format bundle -o from-a-colleague.hooktop"),
    "open": ("hooktop export --format bundle -o from-a-colleague.hooktop", "hooktop backup yesterday.db"),
    "keys trust": ("hooktop keys fetch volt", "! hooktop keys fetch volt"),  # it publishes another one meanwhile
    "accounts change": (ADD_BIRD, ADD_SHOP.replace("--name shop", "--name connectly")),
    "accounts remove": (ADD_BIRD,),
    "accounts test": (ADD_BIRD,),
    "webhooks add": (ADD_BIRD, ADD_VOLT, ADD_SHOP),
    "webhooks update": (REGISTERED,),
    "webhooks mend": (REGISTERED,),
    "webhooks remove": (REGISTERED,),
    "webhooks restore": (REGISTERED, "hooktop webhooks remove 3f1c", "hooktop webhooks restore"),
}


def pem(key: Any) -> bytes:
    """The public half of an RSA key."""
    found: bytes = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return found


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database of 21 captures and a public key that verifies most of them; ``MESSAGE`` is among them."""
    folder = tmp_path_factory.mktemp("seeded")
    volt = Volt(folder)
    with listening(folder / "hooktop.db", environment(folder), "--config", str(volt.config)) as receiver:
        for n in range(10):
            name = MESSAGE if n == 0 else f"m{n}"
            ended = "failed" if n % 3 == 0 else "delivered"
            volt.post(receiver.url, volt.body(name, "sent"), volt.body(name, ended, text="Blocked by the spam filter"))
        headers = signed("bird", volt.keys["bird"], event("bird"), receiver.url + "/bird")
        httpx.post(receiver.url + "/bird", content=event("bird"), headers=headers, trust_env=False)
        receiver.process.terminate()
        assert receiver.process.wait(WAIT_S) == 0
    return folder


@dataclass
class Home:
    """A scratch home in which ``hooktop`` is a command of the shell, with what a machine has on which it is used."""

    folder: Path
    environ: dict[str, str]
    ports: dict[str, int]
    names: dict[str, str] = field(default_factory=dict)  # what an example calls something, and what it is called here

    def here(self, example: str) -> str:
        """The example with the ports and names of this home."""
        known = {f"{mark}{a}": f"{mark}{b}" for a, b in self.ports.items() for mark in (":", "--port ")}
        for name, value in (known | self.names).items():
            example = re.sub(rf"{re.escape(name)}\b", value, example)
        return example

    def run(self, example: str, code: int = 0) -> str:
        """Run a line to its end; gives what it printed."""
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", self.here(example)],
            env=self.environ,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * WAIT_S,
            check=False,
        )
        assert (done.returncode, "Traceback" in done.stderr) == (code, False), (example, done.stdout, done.stderr)
        return done.stdout

    @contextmanager
    def begun(self, example: str) -> Iterator[subprocess.Popen[str]]:
        """A line that goes on; its whole group is ended afterwards."""
        process = subprocess.Popen(["bash", "-c", self.here(example)], env=self.environ, cwd=self.folder, text=True,
                                   stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                   start_new_session=True)  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.communicate(timeout=WAIT_S)


@pytest.fixture
def home(tmp_path: Path, seeded: Path) -> Iterator[Home]:
    """A home with history, a receiver's port, an app, and the look-alikes of the providers."""
    commands = tmp_path / "bin"
    commands.mkdir()
    (commands / "hooktop").write_text(f'#!/bin/sh\nexec "{sys.executable}" -m monitor "$@"\n')
    (commands / "hooktop").chmod(0o755)
    data = tmp_path / "data" / "hooktop"
    data.mkdir(parents=True, mode=0o700)
    shutil.copy(seeded / "hooktop.db", data)
    (tmp_path / ".config/fish/completions").mkdir(parents=True)
    keys = [(seeded / "volt.pem").read_bytes(), pem(key_of("volt"))]  # the next one to serve is the last

    def app(asked: Asked) -> tuple[int, bytes]:
        """An app of one's own that takes everything; it also serves the public key of Volt."""
        return 200, b"" if asked.method == "POST" else keys.pop(0) if len(keys) > 1 else keys[0]

    with ExitStack() as stack:
        url, _ = stack.enter_context(web(app))
        ports = {"3000": int(url.rpartition(":")[2]), **{name: free_port() for name in ("8787", "9000", "8790")}}
        environ = environment(tmp_path, EDITOR="true", CONNECTLY_SECRET="s3cret-of-mine")
        environ["PATH"] = f"{commands}{os.pathsep}{environ['PATH']}"
        made = Home(tmp_path, environ, ports)
        look_alikes = stack.enter_context(
            made.begun("hooktop sandbox --json --route https://hooks.example.com=http://127.0.0.1:8787")
        )
        assert look_alikes.stdout is not None
        environ |= json.loads(look_alikes.stdout.readline())["environment"]
        environ |= {"VOLT_PUBLIC_KEY": str(seeded / "volt.pem")}
        config = tmp_path / "config" / "hooktop"
        config.mkdir(parents=True, mode=0o700)
        (config / "config.toml").write_text(f'[receiver]\nport = {ports["8787"]}\n[forward]\nurl = "{url}"\n')
        (config / "config.toml").chmod(0o600)
        yield made


def examples() -> list[Any]:
    """The examples of each command, whole lines."""
    found = []
    for words, command in commands():
        lines = "\n".join(told(command)[1]).replace(" \\\n", "").splitlines()
        lines = [line.partition("  #")[0].strip() for line in lines]
        found.append(pytest.param(words, [line for line in lines if line not in NOT_RUN and not ELIDED.search(line)],
                                  id=words))  # fmt: skip
    return found


def test_what_is_not_run_is_an_example() -> None:
    text = "\n".join(line for _, command in commands() for line in told(command)[1])
    assert all(line in text for line in NOT_RUN)


@pytest.mark.parametrize(("words", "lines"), examples())
def test_the_examples_work(words: str, lines: list[str], home: Home) -> None:
    with ExitStack() as stack:
        prepare(words, home, stack)
        for number, line in enumerate(lines):
            if words == "webhooks mend":  # the tunnel has another address
                home.environ["HOOKTOP_PUBLIC_URL"] = f"https://number-{number}.example.com"
            if words in SCREENS:
                on_a_terminal(home, line, r"VERDICT|hooktop", "q")
            elif line in ASKED:
                answered(home, line, "a-value")
            elif GOES_ON.search(line) and "| jq" in line:
                on_a_terminal(home, line, "null", "\x03")
            elif GOES_ON.search(line):
                until_interrupted(home, line)
            elif words in ("wait", "listen"):
                until_something_came(home, line)
            else:
                home.run(line, 4 if line == NOT_ALL_VERIFY else 0)


def prepare(words: str, home: Home, stack: ExitStack) -> None:
    """Do what somebody has done who uses these examples."""
    family = words.partition(" ")[0]
    if family in ("webhooks", "send"):
        home.environ |= {"HOOKTOP_PUBLIC_URL": "https://hooks.example.com", "HOOKTOP_NO_REHEARSAL": "1"}
        stack.enter_context(received(home))
    if family == "webhooks":
        home.environ["HOOKTOP_YES"] = "1"
    if family == "keys":
        home.environ["VOLT_PUBLIC_KEY"] = f"http://127.0.0.1:{home.ports['3000']}/key.pem"
    for line in BEFORE.get(words, ()):
        said = home.run(line)
        if line == REGISTERED:
            home.names["3f1c"] = json.loads(said)["id"][:8]
        elif line == "hooktop webhooks restore":
            home.names["restore 12"] = f"restore {said.splitlines()[1].split()[0]}"
    if words == "keys trust":
        known = [json.loads(line) for line in home.run("hooktop keys list --json").splitlines()]
        home.names["sha256:1a2b3c4d"] = next(key["fingerprint"] for key in known if not key["trusted"])


@contextmanager
def received(home: Home) -> Iterator[None]:
    """A receiver is running meanwhile."""
    with home.begun("hooktop listen --json") as receiver:
        assert receiver.stdout is not None
        assert json.loads(receiver.stdout.readline())["kind"] == "listening"
        yield


def on_a_terminal(home: Home, line: str, wanted: str, *keys: str) -> None:
    """Run a line as somebody does who types."""
    with Terminal([], home.environ, command=["bash", "-c", f"cd {home.folder} && {home.here(line)}"]) as terminal:
        for key in keys:
            terminal.wait(wanted)
            terminal.press(key)
        assert terminal.end() == (130 if keys == ("\x03",) else 0), (line, terminal.text())


def answered(home: Home, line: str, value: str) -> None:
    """Run a line that asks: the value for the first question, enter for all others. Enter is pressed again and again,
    since a question whose answer is hidden throws away what was typed before it."""
    with Terminal([], home.environ, command=["bash", "-c", f"cd {home.folder} && {home.here(line)}"]) as terminal:
        terminal.wait(":")
        terminal.press(f"{value}\r")
        end = time.monotonic() + WAIT_S
        while terminal.process.poll() is None and time.monotonic() < end:
            terminal.press("\r")
            time.sleep(0.2)
        assert terminal.end() == 0, (line, terminal.text())


def until_interrupted(home: Home, line: str) -> None:
    """Run a line that goes on until it has said something, then press ctrl+c."""
    with home.begun(line) as process:
        assert process.stdout is not None
        assert process.stdout.readline() != ""
        os.killpg(process.pid, signal.SIGINT)
        out, _ = process.communicate(timeout=WAIT_S)
        assert process.returncode in (0, 130, -signal.SIGINT), (line, out)
        assert "Traceback" not in out


def until_something_came(home: Home, line: str) -> None:
    """Run a line that waits for a webhook, and send such webhooks until it ends."""
    provider, port = ("bird sms-delivered", "9000") if "bird" in line else ("volt delivered", "8787")
    with ExitStack() as stack:
        if "listen" not in line:
            stack.enter_context(received(home))
        process = stack.enter_context(home.begun(line))
        send = f"hooktop send {provider} --to http://127.0.0.1:{port} --burst"
        if "volt" in provider:
            send += " --set payload.to_number=+15555550123"
        while process.poll() is None:
            subprocess.run(
                ["bash", "-c", home.here(send)], env=home.environ, capture_output=True, timeout=WAIT_S, check=False
            )
        assert process.stdout is not None
        assert (process.returncode, '"kind"' in process.stdout.read() or "bird" in line) == (0, True), line
