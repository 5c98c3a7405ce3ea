"""An account's table in the text of a configuration file: put in, changed and taken out, all else left as it is. Pure.

Whether the text then says what is meant is for the caller to see: there are ways to write a table that are not known
here.
"""

from __future__ import annotations

import tomllib
from typing import Any, TypeAlias

from monitor import tomlfile

Toml: TypeAlias = dict[str, Any]


def rendered(name: str, table: Toml) -> str:
    """The account as TOML."""
    import tomlkit

    return tomlkit.dumps({"accounts": {name: table}})


def with_account(text: str, name: str, table: Toml) -> str:
    """The text with one more account at its end."""
    newline = _newline(text)
    block = rendered(name, table).replace("\n", newline)
    before = text.rstrip()
    return f"{before}{newline * 2}{block}" if before else block


def with_settings(text: str, name: str, table: Toml) -> str | None:
    """The text with these settings in the place of all that the account has; None where that cannot be done.

    Comments stay, also those in a list that grows; what is new stands below the provider.
    """
    import tomlkit

    try:
        document = tomlkit.parse(text)
        before: Any = document["accounts"][name]
        for setting in [setting for setting in before if setting not in table]:
            del before[setting]
        for setting, value in table.items():
            had = before.get(setting)
            if isinstance(had, list) and value[: len(had)] == had:
                had.extend(value[len(had) :])
            elif setting in before and had != value:
                before[setting] = value
        new = {setting: value for setting, value in table.items() if setting not in before}
        text = tomlkit.dumps(document)
    except Exception:  # the library fails in many ways over what it does not know
        return None
    if not new:
        return text
    # The library would put them at the end of the table, below the comments before the next one.
    line = tomlfile.line_of(text, ("accounts", name, "provider"))
    if line is None:
        return None
    lines = text.split("\n")
    newline = _newline(text)
    below = tomlkit.dumps(new).replace("\n", newline)
    return "\n".join(lines[:line]) + "\n" + below + "\n".join(lines[line:])


def without_account(text: str, name: str) -> str | None:
    """The text without the account's ``[accounts.NAME]`` table, None where it has none; comments before the next table
    stay."""
    line = tomlfile.line_of(text, ("accounts", name))
    lines = [part + "\n" for part in text.split("\n")]  # as the parser counts, unlike splitlines
    lines[-1] = lines[-1].removesuffix("\n")
    if line is None or not lines[line - 1].lstrip().startswith("["):
        return None
    end = line
    while end < len(lines) and not (lines[end].lstrip().startswith("[") and parses("".join(lines[:end]))):
        end += 1
    while end > line and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    kept = "".join(lines[: line - 1] + lines[end:])
    if "".join(lines[end:]).strip():
        return kept
    # the blank line that was put before it goes, too
    return kept.rstrip() + _newline(text) if kept.strip() else ""


def parses(text: str) -> bool:
    """Whether it is TOML."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return False
    return True


def _newline(text: str) -> str:
    return "\r\n" if "\r\n" in text else "\n"
