"""Where test inputs written by others, and the provider reference, are found."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent


def folder(variable: str, name: str) -> Path:
    """The folder that an environment variable names, else the one beside the project. Skips when there is none."""
    beside = ROOT.parent / "shared" / name
    path = Path(os.environ.get(variable) or beside)
    if not path.is_dir():
        pytest.skip(f"no {name}: looked at ${variable} and ../shared/{name}", allow_module_level=True)
    return path


def corpora() -> Path:
    """The folder of foreign test inputs."""
    return folder("HOOKTOP_CORPORA", "corpora")


def provider_reference() -> Path:
    """The folder with the providers' payloads and signature vectors."""
    return folder("HOOKTOP_PROVIDERS", "providers")


def payload_index(provider: str | None = None, kind: str = "delivery") -> list[dict[str, Any]]:
    """The entries of ``payloads/index.json``, with the file's bytes under ``body``."""
    base = provider_reference() / "payloads"
    entries: list[dict[str, Any]] = json.loads((base / "index.json").read_text("utf-8"))
    wanted = [e for e in entries if e["kind"] == kind and provider in (None, e["provider"])]
    return [{**entry, "body_bytes": (base / entry["file"]).read_bytes()} for entry in wanted]


def vectors(name: str) -> dict[str, Any]:
    """One file of ``vectors/``."""
    loaded: dict[str, Any] = json.loads((provider_reference() / "vectors" / name).read_text("utf-8"))
    return loaded
