"""Canaries in every place where a secret can be, looked for in everything that hooktop leaves or says."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from monitor.sandbox.apis import bird, connectly, volt
from monitor.sandbox.apis.faults import ApiFault
from monitor.secret import Secret
from tests.cli.worlds import World, world
from tests.corpora import ROOT
from tests.e2e.terminal import Terminal
from tests.sandbox.apis import hook
from tests.tunnels.standins import CLOUDFLARED, Standins, alive, until

QUIET = ("--no-rehearsal",)
AUTH = (ApiFault.UNAUTHORIZED, ApiFault.FORBIDDEN)
IN_FILE = {
    "token": "canary-token-in-the-file-0001",
    "signing_keys": "canary-signing-key-in-the-file-0002",
    "webhook_secrets": "canary-webhook-secret-in-the-file-0003",
}
IN_VARIABLE = {"ACCESS": "canary-access-key-in-a-variable-0004", "FORWARD": "canary-header-in-a-variable-0005"}
IN_KEYRING = {"connectly.1": "canary-api-key-in-the-keyring-0006"}
STUB = """
import json, os
FILE = {file!r}
def _all():
    with open(FILE) as file:
        return json.load(file)
def _keep(entries):
    with open(FILE, "w") as file:
        json.dump(entries, file)
def get_password(service, name):
    return _all().get(name)
def set_password(service, name, text):
    _keep({{**_all(), name: text}})
def delete_password(service, name):
    _keep({{key: text for key, text in _all().items() if key != name}})
"""
CRASHING = """
import sys
from monitor.services.monitor import Monitor
from monitor.ui.screens.live import LiveScreen

def tick(self):
    everything = {account.name: account for account in self.app.all_accounts}
    raise ValueError(repr(everything) + "canary")

LiveScreen.tick = tick
from monitor.cli import run as command
before = command.screens
async def screens(assembly, *rest, **more):
    from monitor.ui.app import HooktopApp
    HooktopApp.all_accounts = assembly.config.accounts
    return await before(assembly, *rest, **more)
command.screens = screens
from monitor.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@dataclass
class Safe:
    """A world whose secrets are canaries, a keyring that is a file, and where the canaries may be."""

    w: World
    keyring: Path

    def made(self) -> list[str]:
        """The keys that hooktop made and put into the keyring."""
        entries: dict[str, str] = json.loads(self.keyring.read_text())
        return [text for name, text in entries.items() if name not in IN_KEYRING]

    def canaries(self, *, variables: bool = True) -> list[str]:
        """Every secret there is, as it is and as it is often written."""
        plain = [*IN_FILE.values(), *IN_KEYRING.values(), *self.made(), *(IN_VARIABLE.values() if variables else ())]
        forms = [(text, quote(text, safe=""), base64.b64encode(text.encode()).decode(), text.encode().hex())
                 for text in plain]  # fmt: skip
        return list(dict.fromkeys(form for each in forms for form in each))

    def clean(self, data: bytes | str, where: object, *, variables: bool = True) -> None:
        """Nothing of it is in this."""
        raw = data.encode() if isinstance(data, str) else data
        for canary in self.canaries(variables=variables):
            assert canary.encode() not in raw, f"{canary} is in {where}"

    def clean_files(self, *folders: Path) -> int:
        """Nothing of it is in the files but the two where secrets belong; how many there are."""
        allowed = {self.w.config, self.keyring}
        files = {path for folder in folders for path in folder.rglob("*") if path.is_file()} - allowed
        for path in files:
            self.clean(path.read_bytes(), path)
        return len(files)


@pytest.fixture
def variables(monkeypatch: pytest.MonkeyPatch) -> Iterable[None]:
    """The variables that the configuration names, and credentials that the look-alikes take."""
    for name, text in IN_VARIABLE.items():
        monkeypatch.setenv(name, text)
    monkeypatch.setattr(volt, "TOKEN", IN_FILE["token"])
    monkeypatch.setattr(bird, "ACCESS_KEY", IN_VARIABLE["ACCESS"])
    monkeypatch.setattr(connectly, "API_KEY", IN_KEYRING["connectly.1"])
    yield
    sys.modules.pop("keyring", None)


@asynccontextmanager
async def safe(folder: Path, monkeypatch: pytest.MonkeyPatch, receiver: str | None = None) -> AsyncIterator[Safe]:
    """Everything set up; the receiver's configuration passes captures on to nobody, with a secret header."""
    stub, home = folder / "stub", folder / "world"
    for made in (stub, home):
        made.mkdir()
    keyring = stub / "entries.json"
    keyring.write_text(json.dumps(IN_KEYRING))
    (stub / "keyring.py").write_text(STUB.format(file=str(keyring)))
    monkeypatch.syspath_prepend(str(stub))
    monkeypatch.delitem(sys.modules, "keyring", raising=False)
    async with world(home, event_after_s=0.05) as w:
        w.receiver = receiver
        v, b, c, _ = w.sandbox.accounts()
        w.configure(
            [
                replace(v, api_secret=Secret(IN_FILE["token"])),
                replace(b, api_secret=Secret("env:ACCESS"), signing_secrets=(Secret(IN_FILE["signing_keys"]),)),
                replace(
                    c, api_secret=Secret("keyring:connectly.1"), signing_secrets=(Secret(IN_FILE["webhook_secrets"]),)
                ),
            ],
            'port = 0\n[forward]\nurl = "http://127.0.0.1:9"\nheaders = { X-Secret = "env:FORWARD" }',
        )
        w.environ |= {**IN_VARIABLE, "PYTHONPATH": f"{stub}{os.pathsep}{ROOT}"}
        yield Safe(w, keyring)


@pytest.mark.usefixtures("variables")
@pytest.mark.slow
async def test_no_command_says_or_leaves_a_secret(
    tmp_path: Path, own_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hook() as receiver, safe(tmp_path, monkeypatch, receiver.url) as s:
        w, v = s.w, "-vv"
        adding = {"bird": ["event=sms.inbound"], "connectly": ["topic=delivery_status", "--yes"], "volt": []}
        said = [await w.run("accounts", "test", v), await w.run("accounts", "list", "--json")]
        w.sandbox.fault("bird", ApiFault.ECHO_KEY)
        for provider, settings in adding.items():
            words = ("add", "--provider", provider, *settings)
            said.append(await w.webhooks(*words, "--dry-run", v))
            said.append(await w.webhooks(*words, "--json", *QUIET, v))
            assert said[-1].records("change")[0]["state"] == "done"
        said.append(await w.webhooks("list", "--json", v))
        said.append(await w.webhooks("drift", v, "--public-url", "https://next.example.com"))
        ours = next(row for row in w.sandbox.registrations("bird") if row["event"] == "sms.inbound")
        assert s.made() == [ours["signingKey"]]  # the key that was made is the one that the provider has
        said.append(await w.webhooks("update", str(ours["id"]), "--deactivate", "--yes", "--json", v))
        said.append(await w.webhooks("mend", "--all", "--json", *QUIET, v))
        for fault in (*AUTH, ApiFault.ESCAPES, ApiFault.NOT_JSON):
            for provider, settings in adding.items():
                w.sandbox.fault(provider, fault)
                said.append(await w.webhooks("add", "--provider", provider, *settings, *QUIET, v, code=None))
                said.append(await w.webhooks("list", "--provider", provider, v, code=None))
            said.append(await w.run("accounts", "test", "--json", v, code=None))
        said.append(await w.run("doctor", v, code=1))
        for provider in adding:
            w.sandbox.fault(provider)
        said.append(await w.webhooks("remove", str(ours["id"]), "--yes", "--json", v))
        said.append(await w.webhooks("restore", "--json", v))
        said.append(await w.webhooks("restore", "--all", "--yes", "--json", *QUIET, v))
        assert len(s.made()) == 2  # the new one, and the old one for a while
        said += [await w.run(*words) for words in (["keys", "list", "--json"], ["doctor"])]
        for one in said:
            s.clean(one.out + one.err, one)
        assert s.clean_files(tmp_path, own_machine) >= 4  # the database, its companions, keys of this installation
        for canary in (*IN_FILE.values(), *IN_VARIABLE.values(), *IN_KEYRING.values()):  # the test itself looks right
            assert canary in w.config.read_text() + s.keyring.read_text() + str(w.environ)


@pytest.mark.usefixtures("variables")
async def test_no_process_shows_a_secret(tmp_path: Path, own_machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    standins = Standins(tmp_path)
    body = "import json\nnote('environ', json.dumps(dict(os.environ)))\n"
    standins.write("cloudflared", body + "box('https://fare-1.trycloudflare.com')\nlinger()", CLOUDFLARED)
    async with safe(tmp_path, monkeypatch) as s:
        s.w.environ["PATH"] = f"{standins.programs}{os.pathsep}{os.environ['PATH']}"
        process = await s.w.start("listen", "--json", "--tunnel", "cloudflared", "-vv")
        assert process.stdout is not None
        try:
            first = json.loads(await process.stdout.readline())
            await until(lambda: standins.noted("environ"))
            async with httpx.AsyncClient(trust_env=False) as client:
                for path in ("/bird", "/connectly", "/volt"):
                    assert (await client.post(first["url"] + path, json={"text": "hello"})).status_code == 200
            assert (await s.w.webhooks("list", "-vv", code=None)).code == 0
            for pid in (process.pid, *standins.pids()):
                proc = Path(f"/proc/{pid}")
                if proc.exists():
                    s.clean((proc / "cmdline").read_bytes(), f"the command line of {pid}")
                    # What a process is started with stays readable to its owner; a child is started with less.
                    s.clean((proc / "environ").read_bytes(), f"the environment of {pid}", variables=pid != process.pid)
            s.clean("".join(standins.noted("environ")), "what a tunnel program is given")
            process.terminate()
            out, err = await process.communicate()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        s.clean(out, "stdout")
        s.clean(err, "stderr")
        exported = [await s.w.run("export", "--format", form) for form in ("jsonl", "har", "curl", "csv")]
        s.clean("".join(one.out for one in exported), "an export")
        assert exported[0].out.count("\n") == 3
        await s.w.run("export", "--format", "bundle", "-o", str(s.w.folder / "bundle"))
        assert s.clean_files(s.w.folder, own_machine) >= 2
        await until(lambda: not any(alive(pid) for pid in standins.pids()))


@pytest.mark.usefixtures("variables")
@pytest.mark.slow
async def test_no_crash_or_screen_shows_a_secret(
    tmp_path: Path, own_machine: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with safe(tmp_path, monkeypatch) as s:
        words = ["--config", str(s.w.config), "run", "-vv", "--tunnel", "none"]
        command = [sys.executable, "-c", CRASHING, *words]
        with Terminal([], s.w.environ, command=command) as terminal:
            assert await asyncio.to_thread(terminal.end, None, 60) == 1
            crashed = bytes(terminal.output)
        assert b"the screens failed (ValueError)" in crashed
        assert list(s.w.folder.glob("hooktop-crash-*.txt"))
        with Terminal(words, s.w.environ) as terminal:
            await asyncio.to_thread(terminal.wait, "Waiting")
            terminal.press("4")
            await asyncio.to_thread(terminal.wait, "not ours")
            terminal.press("\x11")
            await asyncio.to_thread(terminal.end)
            shown = bytes(terminal.output)
        s.clean(crashed, "a crash")
        s.clean(shown, "the screens")
        assert s.clean_files(s.w.folder, own_machine) >= 3
        assert (s.w.folder / "h.db.log").exists()
