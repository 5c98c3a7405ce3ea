"""Accounts in the configuration file: what is added, removed and shown, and what stays as its owner wrote it."""

from __future__ import annotations

import os
import re
import socket
import stat
import sys
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from monitor.account import SETTINGS, Account
from monitor.config import Config, ConfigError, load
from monitor.secret import KeyringSecret, Secret
from monitor.services import accounts
from monitor.services.accounts import Shown
from monitor.services.keyring import KeyringProblem
from tests.services.keyrings import FakeKeyring, NoKeyringError

CANARY = "canary-93e1ab04-do-not-show"
SECRET = Secret(CANARY)
FILE = """# mine, keep it
receiver.port = 9000   # the usual

[accounts.volt-main]  # the real one
provider = "volt"
token = "t"

# about the database
[store]
keep = "7d"

# second account
[accounts.bird]
provider = "bird"
signing_keys = [
  "[accounts.not]",
  "b",
]
# the last word of bird

# and an alert
[[alerts]]
filter = '''
[accounts.bird]
'''
bell = true
"""


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch) -> FakeKeyring:
    found = FakeKeyring()
    monkeypatch.setitem(sys.modules, "keyring", found)
    return found


def written(tmp_path: Path, text: str = FILE) -> Path:
    file = tmp_path / "config.toml"
    file.write_bytes(text.encode())
    file.chmod(0o600)
    return file


def refused(file: Path, name: str, provider: str, values: accounts.Values, **environ: str) -> str:
    before = file.read_bytes() if file.exists() else None
    with pytest.raises(ConfigError) as caught:
        accounts.add(file, name, provider, values, environ)
    assert (file.read_bytes() if file.exists() else None) == before
    assert CANARY not in str(caught.value)
    assert str(caught.value).endswith((".", "?"))
    return str(caught.value)


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.parametrize("umask", [0o000, 0o022])
def test_a_new_file_is_private_whatever_the_umask(tmp_path: Path, umask: int) -> None:
    file = tmp_path / "a" / "b" / "config.toml"
    before = os.umask(umask)
    try:
        added = accounts.add(file, "bird", "bird", {"access_key": SECRET, "signing_keys": [SECRET]}, {})
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert list(file.parent.iterdir()) == [file]
    assert added.in_keyring is False
    assert added.sentence == (
        f"The account bird is in {file} with its secrets, readable by you alone. The keyring cannot be used: its "
        "package is not installed; install hooktop with the extra 'keyring'."
    )
    assert load(file, {}).accounts == (
        Account("bird", "bird", "https://api.bird.com", SECRET, signing_secrets=(SECRET,)),
    )


def test_secrets_go_to_the_keyring_where_there_is_one(tmp_path: Path, fake: FakeKeyring) -> None:
    file = written(tmp_path)
    values: accounts.Values = {
        "access_key": SECRET,
        "workspace_id": "w",
        "signing_keys": [Secret("one"), "env:SECOND", Secret("three"), "keyring:mine"],
    }
    added = accounts.add(file, "eu", "bird", values, {"SECOND": "two"})
    assert added.in_keyring
    assert added.sentence == f"The account eu is in {file}, its secrets are in the system's keyring."
    assert CANARY not in file.read_text()
    assert sorted(fake.entries.values()) == sorted([CANARY, "one", "three"])
    account = load(file, {"SECOND": "two"}).accounts[-1]
    assert isinstance(account.api_secret, KeyringSecret)
    assert accounts.opened(account).api_secret == SECRET
    names = [
        secret.name if isinstance(secret, KeyringSecret) else secret.reveal() for secret in account.signing_secrets
    ]
    assert [fake.entries.get(("hooktop", name), name) for name in names] == ["one", "two", "three", "mine"]

    fake.entries["hooktop", "mine"] = "not made by hooktop"
    accounts.remove(file, "eu")
    assert fake.entries == {("hooktop", "mine"): "not made by hooktop"}
    assert file.read_text() == FILE


def test_no_backend_falls_back_to_the_file_and_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", FakeKeyring(NoKeyringError("x")))
    added = accounts.add(written(tmp_path), "eu", "oneroute", {"api_key": SECRET}, {})
    assert added.in_keyring is False
    assert "there is no working backend for it on this machine" in added.sentence
    assert load(tmp_path / "config.toml", {}).accounts[-1].api_secret == SECRET


def test_a_keyring_that_fails_half_way_keeps_nothing(tmp_path: Path, fake: FakeKeyring) -> None:
    store = fake.set_password

    def full(service: str, name: str, text: str) -> None:
        if fake.entries:
            raise OSError("full")
        store(service, name, text)

    fake.set_password = full  # type: ignore[method-assign]  # as a keyring without room
    values: accounts.Values = {"access_key": SECRET, "signing_keys": [SECRET]}
    added = accounts.add(written(tmp_path), "eu", "bird", values, {})
    assert added.in_keyring is False
    assert fake.entries == {}


def test_a_file_that_cannot_be_written_leaves_nothing_in_the_keyring(
    tmp_path: Path, fake: FakeKeyring, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("monitor.paths.os.replace", full)
    file = written(tmp_path)
    told = refused(file, "eu", "bird", {"access_key": SECRET})
    assert "cannot be written (No space left on device)" in told
    assert fake.entries == {}
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.skipif(os.name != "posix", reason="needs a name that is no file")
def test_what_is_no_file_is_not_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As root, an account for ``--config /dev/null`` put a file in the place of the device."""
    monkeypatch.chdir(tmp_path)  # a socket's whole path may have some hundred characters, no more
    place = tmp_path / "none"
    with socket.socket(socket.AF_UNIX) as held:
        held.bind(place.name)
        with pytest.raises(ConfigError, match="is no file and cannot be replaced by one; name another with --config"):
            accounts.add(place, "volt", "volt", {"token": SECRET}, {})
        assert place.is_socket()


def test_comments_and_order_stay(tmp_path: Path) -> None:
    file = written(tmp_path)
    added = accounts.add(file, "c", "connectly", {"business_id": 'b "q" \\ \x1b é', "webhook_secrets": []}, {})
    assert added.in_keyring is None
    assert added.sentence == f"The account c is in {file}."
    text = file.read_text()
    assert text.startswith(FILE.rstrip())
    assert load(file, {}).accounts[-1].business_id == 'b "q" \\ \x1b é'
    accounts.remove(file, "c")
    assert file.read_text() == FILE
    accounts.remove(file, "bird")
    accounts.remove(file, "volt-main")
    assert file.read_text().split("\n") == [
        "# mine, keep it",
        "receiver.port = 9000   # the usual",
        "",
        "",
        "# about the database",
        "[store]",
        'keep = "7d"',
        "",
        "# second account",
        "# the last word of bird",
        "",
        "# and an alert",
        "[[alerts]]",
        "filter = '''",
        "[accounts.bird]",
        "'''",
        "bell = true",
        "",
    ]
    assert load(file, {}).accounts == ()


@pytest.mark.usefixtures("no_keyring")
def test_windows_line_ends_stay(tmp_path: Path) -> None:
    file = written(tmp_path, "# mine\r\n[ui]\r\nmask = true\r\n")
    accounts.add(file, "v", "volt", {"token": SECRET}, {})
    data = file.read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n") > 4
    assert load(file, {}).accounts[0].api_secret == SECRET
    accounts.remove(file, "v")
    assert file.read_bytes() == b"# mine\r\n[ui]\r\nmask = true\r\n"


def test_a_mistake_behind_windows_line_ends_has_its_line(tmp_path: Path) -> None:
    file = written(tmp_path, '# mine\r\n[ui]\r\nmask = true\r\n\r\n[accounts.v]\r\nprovider = "vlot"\r\n')
    with pytest.raises(ConfigError, match=r"config.toml, line 6: \[accounts.v\] provider"):
        load(file, {})


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize(
    "text",
    [
        'accounts = { a = { provider = "volt" } }\n',
        'accounts.a = { provider = "volt" }\n',
        '[accounts]\na.provider = "volt"\n',
        '[accounts]\na = { provider = "volt" }\n',
    ],
)
def test_other_ways_to_write_accounts_are_edited_rightly_or_not_at_all(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    added = True
    try:
        accounts.add(file, "b", "volt", {"token": SECRET}, {})
    except ConfigError:
        added = False
    assert [account.name for account in load(file, {}).accounts] == ["a", "b"][: 1 + added]
    assert file.read_text().startswith(text)
    before = file.read_text()
    with pytest.raises(ConfigError, match="cannot change safely; edit it by hand"):
        accounts.remove(file, "a")
    assert file.read_text() == before


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.skipif(os.name != "posix", reason="links need rights on Windows")
def test_a_link_stays_a_link(tmp_path: Path) -> None:
    (tmp_path / "dotfiles").mkdir()
    target = written(tmp_path / "dotfiles")
    link = tmp_path / "config.toml"
    link.symlink_to(target)
    accounts.add(link, "v", "volt", {"token": SECRET}, {})
    assert link.is_symlink()
    assert load(target, {}).accounts[-1].name == "v"


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.usefixtures("no_keyring")
def test_accounts_added_and_removed_at_once_are_all_noted(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    accounts.add(file, "first", "oneroute", {}, {})
    with ThreadPoolExecutor(8) as pool:
        added = [pool.submit(accounts.add, file, f"a{number}", "oneroute", {}, {}) for number in range(20)]
        gone = pool.submit(accounts.remove, file, "first")
    assert {job.result().account.name for job in added} == {account.name for account in load(file, {}).accounts}
    assert gone.result() is None


def test_what_an_editor_writes_while_the_keyring_is_unlocked_stays(tmp_path: Path, fake: FakeKeyring) -> None:
    file = tmp_path / "config.toml"
    keep = fake.set_password

    def slow(service: str, name: str, text: str) -> None:
        file.write_text('[store]\nkeep = "7d"\n')
        file.chmod(0o600)
        keep(service, name, text)

    fake.set_password = slow  # type: ignore[method-assign]
    accounts.add(file, "volt", "volt", {"token": SECRET}, {})
    assert file.read_text().startswith('[store]\nkeep = "7d"\n\n[accounts.volt]\n')


def test_a_relative_key_path_is_that_of_the_one_who_types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    file = written(tmp_path)
    accounts.add(file, "v", "volt", {"public_key": "volt.pub"}, {})
    assert load(file, {}).accounts[-1].public_key == str(tmp_path / "work" / "volt.pub")


def test_a_reference_to_a_public_key_is_no_path(tmp_path: Path) -> None:
    file, environ = written(tmp_path, ""), {"KEY": "https://keys.example.com/volt.pem"}
    accounts.add(file, "v", "volt", {"public_key": "env:KEY"}, environ)
    assert load(file, environ).accounts[0].public_key == environ["KEY"]


@pytest.mark.parametrize(
    ("name", "provider", "values", "says"),
    [
        ("bird", "bird", {}, "There is an account bird in "),
        ("x", "brid", {}, "There is no provider 'brid'; accounts are for volt, bird"),
        ("a b", "bird", {}, "The account cannot be written: [accounts] 'a b' is no name for an account"),
        ("x", "bird", {"token": SECRET}, "An account of bird has no token; it has access_key, workspace_id"),
        ("x", "bird", {"access_key": CANARY}, "access_key is a secret: give env:NAME or keyring:NAME"),
        ("x", "bird", {"access_key": Secret(f"env:{CANARY}")}, "access_key begins like a reference"),
        ("x", "bird", {"access_key": [SECRET, SECRET]}, "access_key takes one value"),
        ("x", "bird", {"access_key": "env:NOT_THERE"}, "the environment variable NOT_THERE, which is not set"),
        ("x", "bird", {"access_key": Secret(f"{CANARY}\n{CANARY}")}, "access_key has a character that cannot be sent"),
        ("x", "bird", {"access_key": SECRET, "api_url": "http://api.example.com"}, "api_url is no usable address"),
        ("x", "volt", {"public_key": f"-----BEGIN PRIVATE KEY-----\n{CANARY}"}, "is a private key"),
    ],
)
def test_mistakes_change_nothing(
    tmp_path: Path, fake: FakeKeyring, name: str, provider: str, values: accounts.Values, says: str
) -> None:
    assert says in refused(written(tmp_path), name, provider, values)
    assert fake.entries == {}


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize(
    ("text", "mode", "says"),
    [
        ("[receiver\n", 0o600, "line 1: this is not TOML"),
        ("accounts = 3\n", 0o600, "accounts must be a table"),
        pytest.param(
            FILE,
            0o644,
            "run: chmod 600",
            marks=pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX"),
        ),
    ],
)
def test_files_that_are_not_touched(tmp_path: Path, text: str, mode: int, says: str) -> None:
    file = written(tmp_path, text)
    file.chmod(mode)
    assert says in refused(file, "x", "bird", {"access_key": SECRET})
    with pytest.raises(ConfigError):
        accounts.remove(file, "bird")


def test_removing_what_is_not_there(tmp_path: Path) -> None:
    file = written(tmp_path)
    with pytest.raises(ConfigError, match=r"^There is no account x in .*config.toml; there are volt-main, bird\.$"):
        accounts.remove(file, "x")
    with pytest.raises(ConfigError, match=r"^There is no account x in .*none.toml\.$"):
        accounts.remove(tmp_path / "none.toml", "x")


# --- changing --------------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("no_keyring")
def test_what_is_changed_is_changed_and_the_rest_stays(tmp_path: Path) -> None:
    text = FILE.replace("[accounts.bird]\nprovider", "[accounts.bird]  # eu\nprovider", 1)
    text = text.replace(
        'signing_keys = [\n  "[accounts.not]",\n  "b",\n]\n', 'workspace_id = "w"  # ours\nsigning_keys = ["b"]\n'
    )
    file, new = written(tmp_path, text), {"NEW": "n"}
    done = accounts.change(file, "bird", {"access_key": SECRET, "workspace_id": "w2", "signing_keys": "env:NEW"}, new)
    assert done.in_keyring is False
    assert done.sentence.startswith(f"The account bird is changed in {file} with its new secrets, readable by you")
    above, below = text.split('workspace_id = "w"  # ours\nsigning_keys = ["b"]\n')
    assert file.read_text() == (
        f'{above}access_key = "{CANARY}"\nworkspace_id = "w2"  # ours\nsigning_keys = ["b", "env:NEW"]\n{below}'
    )
    done = accounts.change(file, "bird", {"access_key": "", "workspace_id": "", "signing_keys": ["", "env:NEW"]}, new)
    assert (done.in_keyring, done.sentence) == (None, f"The account bird is changed in {file}.")
    assert file.read_text() == f'{above}signing_keys = ["env:NEW"]\n{below}'


@pytest.mark.usefixtures("no_keyring")
def test_the_comments_of_a_list_that_grows_stay(tmp_path: Path) -> None:
    text = '[accounts.b]\nprovider = "bird"\nsigning_keys = [\n  "a",  # until May\n  # and then\n  "b",\n]\n'
    file = written(tmp_path, text)
    accounts.change(file, "b", {"signing_keys": [Secret("a"), Secret("c")]}, {})
    assert file.read_text() == text.replace('  "b",\n', '  "b",\n  "c",\n')


@pytest.mark.parametrize(
    "text",
    ['accounts.b = "bird"\n', "[[accounts.b]]\n", '[accounts.b]\nworkspace_id = "w"\n', '[accounts.b]\nprovider=""\n'],
)
def test_an_account_of_no_known_provider_is_not_changed(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(
        ConfigError, match=r"^The account b in .* is of no provider that hooktop knows; edit it by hand\."
    ):
        accounts.change(file, "b", {"workspace_id": "x"}, {})
    assert file.read_text() == text


def test_an_account_as_written_shows_references_and_no_secret(tmp_path: Path) -> None:
    text = (
        f'provider = "bird"\naccess_key = "env:NOT_SET"\nworkspace_id = 3\nsigning_keys = ["{CANARY}", "keyring:b.1"]\n'
    )
    shown = accounts.as_written(written(tmp_path, f"[accounts.b]\n{text}"), "b", {})
    settings = {"access_key": "env:NOT_SET", "workspace_id": "3", "signing_keys": "••••show, keyring:b.1"}
    assert shown == Shown("b", "bird", tuple(settings.items()))


def test_a_relative_key_path_of_the_file_starts_there(tmp_path: Path) -> None:
    file = written(tmp_path, '[accounts.v]\nprovider = "volt"\npublic_key = "volt.pub"\n')
    done = accounts.change(file, "v", {"api_url": "https://api.example.com"}, {})
    assert done.account == load(file, {}).accounts[0]


@pytest.mark.usefixtures("no_keyring")
def test_a_change_keeps_windows_line_ends(tmp_path: Path) -> None:
    file = written(tmp_path, '[accounts.v]\r\nprovider = "volt"\r\n\r\n# mine\r\n[ui]\r\nmask = true\r\n')
    accounts.change(file, "v", {"token": SECRET}, {})
    data = file.read_bytes()
    assert data.endswith(b'"\r\n\r\n# mine\r\n[ui]\r\nmask = true\r\n')
    assert data.count(b"\n") == data.count(b"\r\n") == 7
    assert load(file, {}).accounts[0].api_secret == SECRET


@pytest.mark.usefixtures("no_keyring")
@pytest.mark.parametrize(
    "text",
    [
        'accounts = { a = { provider = "volt", token = "t" } }\n',
        'accounts.a = { provider = "volt" }\n',
        '[accounts]\na.provider = "volt"\na.token = "t"\n',
        '[accounts]\na = { provider = "volt" }\n',
    ],
)
def test_other_ways_to_write_accounts_are_changed_rightly_or_not_at_all(tmp_path: Path, text: str) -> None:
    file = written(tmp_path, text)
    changed = True
    try:
        accounts.change(file, "a", {"token": SECRET}, {})
    except ConfigError:
        changed = False
    assert (file.read_text() != text) is changed
    [account] = load(file, {}).accounts
    assert account.name == "a"
    assert not changed or account.api_secret == SECRET


def test_secrets_that_are_replaced_leave_the_keyring(tmp_path: Path, fake: FakeKeyring) -> None:
    file = written(tmp_path, "")
    accounts.add(file, "eu", "bird", {"access_key": Secret("old"), "signing_keys": [Secret("first")]}, {})
    done = accounts.change(file, "eu", {"access_key": SECRET, "signing_keys": Secret("second")}, {})
    assert done.sentence == f"The account eu is changed in {file}, its new secrets are in the system's keyring."
    assert sorted(fake.entries.values()) == sorted([CANARY, "first", "second"])
    account = load(file, {}).accounts[0]
    assert accounts.opened(account).api_secret == SECRET
    accounts.change(file, "eu", {"signing_keys": ""}, {})
    assert list(fake.entries.values()) == [CANARY]


def test_a_change_of_what_an_editor_changes_meanwhile_is_refused(tmp_path: Path, fake: FakeKeyring) -> None:
    file = written(tmp_path, '[accounts.v]\nprovider = "volt"\n')
    keep = fake.set_password

    def slow(service: str, name: str, text: str) -> None:
        file.write_text('[accounts.v]\nprovider = "volt"\ntoken = "theirs"\n')
        keep(service, name, text)

    fake.set_password = slow  # type: ignore[method-assign]
    with pytest.raises(ConfigError, match="was changed by somebody else at the same time; look and try again"):
        accounts.change(file, "v", {"token": SECRET}, {})
    assert fake.entries == {}
    assert 'token = "theirs"' in file.read_text()


@pytest.mark.parametrize(
    ("name", "values", "says"),
    [
        ("x", {"token": SECRET}, "There is no account x in "),
        ("bird", {"token": SECRET}, "An account of bird has no token; it has access_key"),
        ("bird", {"access_key": CANARY}, "access_key is a secret: give env:NAME or keyring:NAME"),
        ("bird", {"api_url": "nowhere"}, "The account cannot be written: [accounts.bird] api_url is no usable address"),
    ],
)
def test_mistakes_in_a_change_change_nothing(
    tmp_path: Path, fake: FakeKeyring, name: str, values: accounts.Values, says: str
) -> None:
    file = written(tmp_path)
    with pytest.raises(ConfigError) as caught:
        accounts.change(file, name, values, {})
    assert says in str(caught.value)
    assert CANARY not in str(caught.value)
    assert file.read_text() == FILE
    assert fake.entries == {}


def test_an_account_of_the_environment_is_changed_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^The account volt comes from environment variables; change them\.$"):
        accounts.change(tmp_path / "none.toml", "volt", {"api_url": ""}, {"VOLT_API_TOKEN": CANARY})


def test_an_entry_that_another_account_uses_stays(tmp_path: Path, fake: FakeKeyring) -> None:
    file = written(tmp_path, "")
    accounts.add(file, "a", "volt", {"token": SECRET}, {})
    [(_, entry)] = fake.entries
    accounts.add(file, "b", "volt", {"token": f"keyring:{entry}"}, {})
    accounts.remove(file, "a")
    assert fake.entries == {("hooktop", entry): CANARY}
    accounts.remove(file, "b")  # not the one that made it
    assert fake.entries == {("hooktop", entry): CANARY}


def test_the_list_masks_every_secret() -> None:
    config = Config(
        accounts=(
            Account("v", "volt", "https://api.example.com", SECRET, public_key="-----BEGIN PUBLIC KEY-----\nMII"),
            Account(
                "b", "bird", api_secret=KeyringSecret("b.1"), workspace_id="w", signing_secrets=(SECRET, Secret("x"))
            ),
            Account("p", "volt", public_key="/keys/volt.pub"),
        )
    )
    found = accounts.listed(config)
    assert found == (
        Shown(
            "v",
            "volt",
            (("token", "••••show"), ("public_key", "the key itself"), ("api_url", "https://api.example.com")),
        ),
        Shown("b", "bird", (("access_key", "keyring:b.1"), ("workspace_id", "w"), ("signing_keys", "••••show, ••••"))),
        Shown("p", "volt", (("public_key", "/keys/volt.pub"),)),
    )
    assert CANARY not in repr(found)


def test_opening_an_account(fake: FakeKeyring) -> None:
    fake.entries["hooktop", "e"] = CANARY
    assert accounts.opened(Account("a", "bird", api_secret=KeyringSecret("e"))).api_secret == SECRET
    assert accounts.opened(Account("a", "bird")) == Account("a", "bird")
    with pytest.raises(KeyringProblem, match="no entry gone"):
        accounts.opened(Account("a", "bird", api_secret=KeyringSecret("gone")))


NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
TEXTS = st.text(min_size=1, max_size=40).filter(lambda text: bool(text.strip()))
ASCII = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=40)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(provider=st.sampled_from(sorted(SETTINGS)), name=NAMES, data=st.data())
@pytest.mark.usefixtures("no_keyring")
def test_what_goes_in_comes_out_and_the_rest_stays(
    tmp_path: Path, provider: str, name: str, data: st.DataObject
) -> None:
    file = written(tmp_path)
    values: dict[str, str | Secret | list[Secret]] = {}
    for setting in SETTINGS[provider]:
        if setting.many:
            values[setting.name] = data.draw(st.lists(TEXTS.map(Secret), max_size=3))
        elif setting.secret:
            values[setting.name] = Secret(data.draw(ASCII))
        elif setting.field not in ("api_url", "public_key"):
            values[setting.name] = data.draw(TEXTS)
    before = tomllib.loads(FILE)
    try:
        accounts.add(file, name, provider, values, {})
    except ConfigError:
        assert file.read_bytes() == FILE.encode()
        return
    account = load(file, {}).accounts[-1]
    for setting in SETTINGS[provider]:
        given, found = values.get(setting.name), getattr(account, setting.field)
        if isinstance(given, list):
            assert [secret.reveal() for secret in found] == [secret.reveal().strip() for secret in given]
        elif given is not None:
            assert found == given
    accounts.remove(file, name)
    assert tomllib.loads(file.read_bytes().decode()) == before
    assert file.read_text() == FILE


WAYS = {  # to write a setting
    "access_key": ['access_key = "a"', "'access_key'='a'  # of: access", 'access_key = """a"""'],
    "workspace_id": ['"workspace_id" = "w"  # of: workspace', "workspace_id = '''\nw\n'''"],
    "signing_keys": [
        'signing_keys = ["f", "s"]  # of: both',
        'signing_keys = [\n  "f",  # of: first\n  # of: none\n  "s"  # of: second\n]',
        "signing_keys = [ 'f' ,\n\n  's', ]",
        "signing_keys = []",
    ],
}
BELOW = [
    "",
    "\n# my last word\n",
    '\n[ accounts . c ]\nprovider = "bird"\n',
    "\n[store]\nkeep = '7d' # mine\n",
    "[[alerts]]\n",
]
OPTIONAL_CHANGES = {
    "access_key": st.one_of(st.just(""), ASCII.map(Secret)),
    "workspace_id": st.one_of(st.just(""), TEXTS),
    "signing_keys": st.lists(st.one_of(st.just(""), TEXTS.map(Secret)), max_size=3),
}


@st.composite
def written_accounts(draw: st.DrawFn) -> str:
    """A file with the account b of bird, in many ways to write it."""
    lines = [
        "provider = 'bird'" + draw(st.sampled_from(["", "  # mine, too"])),
        *draw(st.sampled_from([[], ["# mine"]])),
    ]
    for ways in WAYS.values():
        lines += draw(st.lists(st.sampled_from(ways), max_size=1))
    lines = draw(st.permutations(lines))
    way = draw(st.sampled_from(["table", "table", "table", "dotted", "inline"]))
    if way == "table":
        lines.insert(
            0, draw(st.sampled_from(["[accounts.b]", "[accounts.'b'] # mine", '[accounts.a]\n[ accounts."b"]']))
        )
    elif way == "dotted":
        lines = [line if line.startswith("#") else f"accounts.b.{line}" for line in lines]
    else:
        lines = ["accounts.b = { provider = 'bird', access_key = 'a' } # mine"]
    text = draw(st.sampled_from(["", "# mine\n\n"])) + "\n".join(lines) + "\n" + draw(st.sampled_from(BELOW))
    return text.replace("\n", draw(st.sampled_from(["\n", "\r\n"])))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(text=written_accounts(), values=st.fixed_dictionaries({}, optional=OPTIONAL_CHANGES))
@pytest.mark.usefixtures("no_keyring")
def test_a_change_is_what_was_meant_or_none(tmp_path: Path, text: str, values: dict[str, Any]) -> None:
    file, meant = written(tmp_path, text), tomllib.loads(text)
    try:
        accounts.change(file, "b", values, {})
    except ConfigError:
        assert file.read_bytes() == text.encode()
        return
    table = meant["accounts"]["b"]
    comments = set(re.findall(r"# [^\r\n]+", text))
    for name, value in values.items():
        several = value if isinstance(value, list) else [value]
        if "" in several:
            table.pop(name, None)
            comments -= set(re.findall(r"# [^\r\n]+", "\n".join(WAYS[name])))
        new = [one.reveal() if isinstance(one, Secret) else one for one in several if one]
        if new:
            table[name] = list(dict.fromkeys([*table.get(name, []), *new])) if isinstance(value, list) else new[0]
    after = file.read_bytes().decode()
    assert tomllib.loads(after) == meant
    assert not {comment for comment in comments if comment not in after}
    assert "\r" not in text or after.count("\n") == after.count("\r\n")


@pytest.mark.usefixtures("no_keyring")
def test_several_settings_of_dotted_keys_are_taken_away_or_none(tmp_path: Path) -> None:
    text = 'accounts.b.provider = "bird"\naccounts.b.access_key = "a"\naccounts.b.workspace_id = "w"\n'
    file = written(tmp_path, text)
    with pytest.raises(ConfigError, match="cannot change safely; edit it by hand"):
        accounts.change(file, "b", {"access_key": "", "workspace_id": ""}, {})
    assert file.read_text() == text
