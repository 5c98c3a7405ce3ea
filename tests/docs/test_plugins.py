"""docs/plugins.md is enough to write a provider: its example is taken from it, installed and used as it stands."""

from __future__ import annotations

import hashlib
import hmac
import inspect
import json
import os
import re
import tomllib
from pathlib import Path

import pytest

from monitor.providers.base import Addressed, Echoing, Provider
from monitor.providers.signatures import right_ed25519
from tests.cli.processes import hooktop, listening
from tests.corpora import ROOT

PAGE = (ROOT / "docs" / "plugins.md").read_text("utf-8")
SECRET = "a-secret-of-pigeon"
EVENT = {"kind": "message.delivered", "event": "ev_1", "message": "m_17", "thread": "t_5", "from": "+15555550145",
         "to": "+15555550123", "text": "Your parcel is here", "at": "2026-01-31T21:30:00Z"}  # fmt: skip


def block(language: str, beginning: str) -> str:
    """A block of code of the page, by how it begins."""
    found = re.search(rf"^```{language}\n({re.escape(beginning)}.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    assert found is not None, beginning
    return found[1]


@pytest.fixture
def installed(tmp_path: Path, own_machine: Path) -> dict[str, str]:
    """An environment in which the page's package is installed and its account set up; gives the variables."""
    project = tomllib.loads(block("toml", "[build-system]"))["project"]
    (module,) = tomllib.loads(block("toml", "[build-system]"))["tool"]["setuptools"]["py-modules"]
    about = tmp_path / f"{module}-{project['version']}.dist-info"
    about.mkdir()
    (tmp_path / f"{module}.py").write_text(block("python", '"""Pigeon'), "utf-8")
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {project['name']}\nVersion: {project['version']}\n")
    points = "".join(f"{name} = {target}\n" for name, target in project["entry-points"]["hooktop.providers"].items())
    (about / "entry_points.txt").write_text(f"[hooktop.providers]\n{points}")
    config = own_machine / ".config" / "hooktop" / "config.toml"
    config.parent.mkdir(parents=True)
    config.write_text(block("toml", "[accounts.pigeon]"), "utf-8")
    config.chmod(0o600)
    return {"PYTHONPATH": os.pathsep.join((str(ROOT), str(tmp_path))), "PIGEON_SECRET": SECRET}


def signature(body: bytes) -> str:
    """What Pigeon signs with, worked out apart from the example."""
    return hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()


def test_the_example_on_the_page_works(installed: dict[str, str]) -> None:
    body = json.dumps(EVENT).encode()
    with listening("--count", "5", env=installed) as running:
        head = [("x-pigeon-signature", signature(body))]
        running.post("/pigeon", body, head)
        running.post("/elsewhere", body.replace(b"m_17", b"m_18"), head)
        running.post("/pigeon", body)
        assert hooktop("send", "pigeon", "delivered", "--to", running.url, "--burst", env=installed).returncode == 0
        right, changed, bare, *simulated, _ = running.rest()
        assert "Provider plug-ins run with your rights: pigeon." in running.errors()

    assert (right["provider"], right["verdict"]["status"]) == ("pigeon", "verified")
    reading = right["reading"]
    assert (reading["status"], reading["message"], reading["text"]) == ("delivered", "pigeon:m_17", EVENT["text"])
    assert (reading["direction"], reading["from"], reading["to"]) == ("outbound", EVENT["from"], EVENT["to"])
    assert (changed["provider"], changed["verdict"]["status"]) == ("pigeon", "invalid")
    assert "no match" in changed["verdict"]["reason"]
    assert (bare["provider"], bare["verdict"]["status"]) == ("pigeon", "missing")
    assert [(one["source"], one["verdict"]["status"], one["reading"]["status"]) for one in simulated] == [
        ("simulated", "verified", "sent"),
        ("simulated", "verified", "delivered"),
    ]
    messages = map(json.loads, hooktop("messages", "--json", env=installed).stdout.splitlines())
    assert ("pigeon:m_17", "delivered") in [(one["key"], one["status"]) for one in messages]


@pytest.mark.parametrize("protocol", [Provider, Echoing, Addressed])
def test_the_page_tells_of_every_member_that_is_asked_for(protocol: type) -> None:
    rows = "".join(line.split(" | ")[0] for line in PAGE.splitlines() if line.startswith("| `"))
    members = [name for name in vars(protocol) if not name.startswith("_")]
    assert [name for name in members if not re.search(rf"`{name}\b", rows)] == []


def test_the_page_calls_what_there_is_with_its_arguments() -> None:
    assert "`right_ed25519(key.public, message, signature)`" in PAGE
    assert list(inspect.signature(right_ed25519).parameters) == ["public", "message", "given"]


def test_accounts_of_it_are_added_and_listed(installed: dict[str, str], own_machine: Path) -> None:
    config = ("--config", str(own_machine / "other.toml"))
    added = hooktop("accounts", "add", "pigeon", "--set", "signing_secrets=env:PIGEON_SECRET", *config, env=installed)
    assert (added.returncode, added.stderr) == (0, "")
    listed = json.loads(hooktop("accounts", "list", "--json", *config, env=installed).stdout)
    assert (listed["provider"], SECRET in str(listed)) == ("pigeon", False)
    unknown = hooktop("accounts", "add", "dove", "--set", "signing_secrets=env:PIGEON_SECRET", *config, env=installed)
    assert "choose one of volt, bird, connectly, oneroute, standard, pigeon." in unknown.stderr
    assert unknown.returncode == 2
    without = hooktop("accounts", "list", *config)  # the package is gone, its account is not
    assert (without.returncode, "pigeon" in without.stderr) == (2, True)
