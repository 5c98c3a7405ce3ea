"""Commands that ask the look-alike APIs, which run in the test itself: in a thread, or as processes of their own."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from monitor.account import SETTINGS, Account
from monitor.cli.app import run as run_command
from monitor.sandbox.apis.outbox import Exchange
from monitor.sandbox.apis.server import FOREIGN, ProviderSandbox
from monitor.secret import Secret
from tests.e2e.programs import environment
from tests.sandbox.apis import PUBLIC, key_of


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str

    def records(self, kind: str | None = None) -> list[dict[str, Any]]:
        """The JSON objects on stdout, of one kind or all."""
        found = [json.loads(line) for line in self.out.splitlines()]
        return [one for one in found if kind in (None, one["kind"])]

    @property
    def lines(self) -> list[str]:
        """The lines on stderr, without the program's name."""
        return [line.removeprefix("hooktop: ") for line in self.err.splitlines()]


@dataclass
class World:
    """The look-alikes, a configuration with an account of each, and a home. What is registered below ``PUBLIC`` is
    posted to ``receiver``, to nobody as long as that is None."""

    folder: Path
    receiver: str | None = None
    environ: dict[str, str] = field(default_factory=dict)
    sandbox: ProviderSandbox = field(init=False)
    told: Callable[[Exchange], None] = lambda exchange: None  # of every request that came to the look-alikes or left

    @property
    def config(self) -> Path:
        """The configuration."""
        return self.folder / "config.toml"

    @property
    def database(self) -> Path:
        """The database that the configuration names."""
        return self.folder / "h.db"

    def configure(self, accounts: Iterable[Account], more: str = "", public_url: str | None = PUBLIC) -> None:
        """Write the configuration."""
        url = f'public_url = "{public_url}"\n' if public_url else ""
        tables = "".join(map(_table, accounts))
        self.config.write_text(f'[store]\npath = "h.db"\n[receiver]\n{url}{more}\n{tables}', "utf-8")
        self.config.chmod(0o600)

    async def start(self, *words: str, **environ: str) -> asyncio.subprocess.Process:
        """Start a command as a process of its own."""
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "monitor",
            "--config",
            str(self.config),
            *words,
            env={**self.environ, **environ},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )

    async def run(self, *words: str, code: int | None = 0) -> Said:
        """Run a command in a thread to its end, which must be this exit code unless it is None."""
        said = await asyncio.to_thread(_called, ["--config", str(self.config), *words])
        assert code in (None, said.code), said
        assert "Traceback" not in said.err
        return said

    async def webhooks(self, *words: str, code: int | None = 0) -> Said:
        """Run ``hooktop webhooks``."""
        return await self.run("webhooks", *words, code=code)

    def at(self, url: str) -> str | None:
        """Where what is sent to a registered address is really posted to."""
        if self.receiver is None:
            return None
        return self.receiver + url.removeprefix(PUBLIC) if url.startswith(PUBLIC) else url


@asynccontextmanager
async def world(
    folder: Path, *, seed: Mapping[str, Any] | None = FOREIGN, event_after_s: float | None = None
) -> AsyncIterator[World]:
    """A world in which others have registered what is in ``seed``."""
    home = {name: os.environ[name] for name in ("HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME")}
    made = World(folder, environ=environment(folder, **home))
    async with ProviderSandbox(
        seed=seed, keys=key_of, event_after_s=event_after_s, route=made.at, on_exchange=lambda one: made.told(one)
    ) as api:
        made.sandbox = api
        made.configure(api.accounts())
        yield made


def _called(words: list[str]) -> Said:
    out, err = (io.TextIOWrapper(io.BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    root, environ = logging.getLogger(), dict(os.environ)
    handlers, level = list(root.handlers), root.level
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = run_command(words)
    finally:
        os.environ.update(environ)  # a command that reads the configuration takes secrets out
        root.handlers[:] = handlers
        root.setLevel(level)
    texts = [stream.buffer.getvalue().decode() for stream in (out, err)]
    return Said(code, *texts)


def _table(account: Account) -> str:
    lines = [f"[accounts.{account.name}]", f'provider = "{account.provider}"']
    for setting in SETTINGS[account.provider]:
        value = getattr(account, setting.field)
        several = value if isinstance(value, tuple) else (value,) if value is not None else ()
        texts = [json.dumps(one.reveal() if isinstance(one, Secret) else one) for one in several]
        if texts:
            lines.append(f"{setting.name} = " + (f"[{', '.join(texts)}]" if setting.many else texts[0]))
    return "\n".join(lines) + "\n"
