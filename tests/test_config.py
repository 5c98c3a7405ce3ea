"""What may stand in a configuration, and what each mistake is answered with."""

from __future__ import annotations

import os
import shlex
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor import config, paths, tomlfile
from monitor.account import Account, key_form
from monitor.config import Alert, Config, ConfigError, load, parse, secret_variables
from monitor.secret import KeyringSecret, Secret

CANARY = "canary-7f3b1c9d-do-not-show"
FILE = Path("/somewhere/config.toml")
WHOLE = f"""
# everything that may be set
[receiver]
host = "0.0.0.0"
port = 0
public_url = "https://hooks.example.com/"
enforce = true
max_body = "512k"
tokens = true
trust_unproven = false
speed = false
allowed_hosts = ["app.example.com", "Other.example.com"]
unproven_rate = 100

[store]
path = "here.db"
keep = "1d12h"
max_size = "500MB"

[forward]
url = "http://app.example.com:3000/hooks"
timeout = 2.5
headers = {{ Authorization = "env:APP_TOKEN", X-From = "hooktop" }}
wait = true
ca_file = "mine.pem"

[[forward.rules]]
filter = "provider:volt"
url = "http://127.0.0.1:4000"

[[forward.rules]]
filter = "status:failed"
url = "http://127.0.0.1:5000/failed"

[ui]
theme = "nord"
mask = true
[ui.keymap]
quit = "ctrl+x"

[accounts.volt-main]
provider = "volt"
token = "{CANARY}"
public_key = "volt.pub"

[accounts.bird]
provider = "bird"
access_key = "env:MY_BIRD_KEY"
workspace_id = "env:MY_WORKSPACE"
organization_id = "o"
signing_keys = ["one", "env:SECOND", "keyring:bird third"]
api_url = "http://127.0.0.1:9999"

[accounts.connectly]
provider = "connectly"
api_key = "keyring:connectly"
business_id = "b"
business_numbers = "+15555550199, 15555550198"
webhook_secrets = ["w"]

[accounts.oneroute]
provider = "oneroute"
api_key = "k"
secret_keys = ["s"]

[[alerts]]
filter = "status:failed"
bell = true

[[alerts]]
filter = "verdict:invalid"
command = ["notify-send", "{{summary}}"]
"""
ENVIRON = {"APP_TOKEN": "a", "MY_BIRD_KEY": CANARY + "\n", "MY_WORKSPACE": "w", "SECOND": "two"}


def written(folder: Path, text: str | bytes, mode: int = 0o600) -> Path:
    file = folder / "config.toml"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    file.chmod(mode)
    return file


def refused(text: str, **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        parse(text, FILE, environ)
    assert CANARY not in str(caught.value)
    return str(caught.value)


def test_everything_that_may_be_set(tmp_path: Path) -> None:
    found = load(written(tmp_path, WHOLE), ENVIRON)
    assert found.receiver == config.ReceiverConfig(
        "0.0.0.0", 0, "https://hooks.example.com", True, 512 * 1024, True, False, False,
        ("app.example.com", "other.example.com"), 100,
    )  # fmt: skip
    assert found.store == config.StoreConfig(tmp_path / "here.db", timedelta(hours=36), 500 * 1024**2)
    assert found.forward == config.ForwardConfig(
        "http://app.example.com:3000/hooks",
        timedelta(seconds=2.5),
        (("Authorization", Secret("a")), ("X-From", Secret("hooktop"))),
        (
            config.ForwardRule("provider:volt", "http://127.0.0.1:4000"),
            config.ForwardRule("status:failed", "http://127.0.0.1:5000/failed"),
        ),
        wait=True,
        ca_file=tmp_path / "mine.pem",
    )
    assert found.ui == config.UiConfig("nord", (config.KeySetting("quit", "ctrl+x"),), True)
    assert found.accounts == (
        Account(
            "volt-main",
            "volt",
            "https://api.respondflow.com/graphql",
            Secret(CANARY),
            public_key=str(tmp_path / "volt.pub"),
        ),
        Account(
            "bird",
            "bird",
            "http://127.0.0.1:9999",
            Secret(CANARY),
            workspace_id="w",
            organization_id="o",
            signing_secrets=(Secret("one"), Secret("two"), KeyringSecret("bird third")),
        ),
        Account(
            "connectly",
            "connectly",
            "https://api.connectly.ai",
            KeyringSecret("connectly"),
            business_id="b",
            business_numbers="+15555550199, 15555550198",
            signing_secrets=(Secret("w"),),
        ),
        Account("oneroute", "oneroute", "https://api.oneroute.io", Secret("k"), signing_secrets=(Secret("s"),)),
    )
    assert found.alerts == (
        Alert("status:failed", bell=True),
        Alert("verdict:invalid", command=("notify-send", "{summary}")),
    )
    assert CANARY not in repr(found)
    assert {"APP_TOKEN", "MY_BIRD_KEY", "SECOND", "VOLT_API_TOKEN"} <= set(secret_variables(found))
    assert "MY_WORKSPACE" not in secret_variables(found)


def test_nothing_set_is_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "default_config", lambda: tmp_path / "config.toml")
    assert load(None, {}) == Config()
    assert Config().receiver.host == "127.0.0.1"
    written(tmp_path, "receiver.port = 1")
    assert load(None, {}).receiver.port == 1


def test_a_named_file_that_is_missing(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"^There is no configuration .*nowhere\.toml; create it, or name another"):
        load(tmp_path / "nowhere.toml", {})


@pytest.mark.skipif(os.name != "posix", reason="modes are those of POSIX")
@pytest.mark.skipif(os.name != "posix", reason="modes of a device")
def test_the_null_device_is_no_configuration_at_all() -> None:
    """It is everybody's to read, and has nothing: that is how to do without the file."""
    found = load(Path(os.devnull), {"VOLT_API_TOKEN": "t"})
    assert [account.name for account in found.accounts] == ["volt"]


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660, 0o601])
def test_a_file_that_others_can_read_is_refused_with_the_remedy(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    file = written(folder, WHOLE, mode)
    with pytest.raises(ConfigError) as caught:
        load(file, ENVIRON)
    assert f"mode {mode:04o}" in str(caught.value)
    command = shlex.split(str(caught.value).partition("run: ")[2].partition(" (then")[0])
    assert command == ["chmod", "600", str(file)]
    Path(command[2]).chmod(int(command[1], 8))
    load(file, ENVIRON)


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"[ui]\n\xff\xfe", "line 2: this is not UTF-8"),
        ("[ui]\ntheme = 'x'".encode("utf-16"), "not UTF-8"),
        (b"#" * (tomlfile.MAX_FILE + 1), "larger than 1 MiB"),
        (b"x = " + b"[" * 5000 + b"]" * 5000, "beyond all use"),
        (b"x = " + b"9" * 5000, "beyond all use"),
    ],
)
def test_files_that_are_no_configuration(tmp_path: Path, data: bytes, says: str) -> None:
    with pytest.raises(ConfigError, match=says):
        load(written(tmp_path, data), {})


def test_a_folder_and_impossible_names(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    for file in (tmp_path, tmp_path / "a\0b"):
        with pytest.raises(ConfigError, match="cannot be read"):
            load(file, {})


def test_a_byte_order_mark_and_windows_line_ends(tmp_path: Path) -> None:
    assert load(written(tmp_path, b"\xef\xbb\xbf[receiver]\r\nport = 7\r\n"), {}).receiver.port == 7


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"token = {CANARY}", "line 1: this is not TOML"),
        ("\n\n[receiver", "line 3: this is not TOML"),
        ("x = 1\nx = 2", "line 2: this is not TOML"),
        ("[reciever]\n", "line 1: reciever is not a setting; did you mean receiver?"),
        ("[receiver]\n\nprot = 1", "line 3: [receiver] prot is not a setting; did you mean port?"),
        ("[receiver]\nPORT = 1", "did you mean port?"),
        ("receiver.prot = 1", "line 1: [receiver] prot"),
        ("receiver = { port = 1,  prot = 2 }", "line 1: [receiver] prot"),
        ('[receiver]\n"\\u001b[2J" = 1', r"[receiver] '\x1b[2J' is not a setting"),
        ("receiver = 5", "line 1: receiver must be a table, not a number"),
        ("[receiver]\nport = '80'", "line 2: [receiver] port must be a whole number from 0 to 65535, not text"),
        ("[receiver]\nport = 65536", "from 0 to 65535"),
        ("[receiver]\nport = true", "not true or false"),
        ("[receiver]\nenforce = 1", "must be true or false (without quotes), not a number"),
        ("[receiver]\nhost = ''", "is empty"),
        ("[receiver]\nhost = 2026-01-31", "not a date or time"),
        ("[receiver]\npublic_url = 'hooks.example.com'", "no usable address: it must begin with http:// or https://"),
        ("[receiver]\npublic_url = 'https://x.example.com/?a'", "without a part after ?"),
        ("[receiver]\nmax_body = 0", "must be a size"),
        ("[receiver]\nmax_body = '1 TB'", "is too large"),
        ("[receiver]\nmax_body = 'big'", "must be a size"),
        ("[receiver]\nmax_body = 2.5", 'must be a size such as "2GB" or "500k", not a number'),
        ("[store]\nkeep = '30 days'", "must be a duration"),
        ("[store]\nkeep = 0", "must be a duration"),
        ("[store]\nkeep = nan", "must be a duration"),
        ("[store]\nkeep = inf", "must be a duration"),
        ("[store]\nkeep = 1e300", "must be a duration"),
        ("[store]\nkeep = true", "must be a duration"),
        ("[forward]\nurl = 'ftp://x'", "must begin with http:// or https://"),
        ("[forward.headers]\n'a b' = 'c'", "line 2: [forward.headers] 'a b' is no header name"),
        (f'[forward.headers]\nX = "{CANARY}\\n{CANARY}"', "cannot be sent"),
        ("[forward.headers]\nContent-length = '3'", "is written by hooktop itself"),
        ("[[forward.rules]]\nfilter = 'provider:volt'", "line 1: [forward] rules needs a filter and a url"),
        ("[[forward.rules]]\nfilter = ''\nurl = 'http://localhost'", "[forward.rules 1] filter is empty"),
        ("[[forward.rules]]\nurl = 'localhost:3000'", "[forward.rules 1] url is no usable address"),
        ("[forward.rules]\nurl = 'http://localhost'", "must be a list of tables"),
        ("[ui.keymap]\nquit = ['q']", "[ui.keymap] quit must be text in quotes, not a list"),
        ("[accounts]\n'a b' = {}", "line 2: [accounts] 'a b' is no name"),
        ("[accounts.a]\n", "line 1: [accounts] a needs a provider: volt, bird"),
        ("accounts.a = 3", "must be a table"),
        ("[accounts.a]\nprovider = 'Brid'", "line 2: [accounts.a] provider is none that hooktop knows"),
        ("[accounts.a]\nprovider = 'Brid'", "did you mean bird?"),
        (f"[accounts.a]\nprovider = 'bird'\ntoken = '{CANARY}'", "line 3: [accounts.a] token is not a setting"),
        (f"[accounts.a]\nprovider = 'bird'\nsigning_key = ['{CANARY}']", "did you mean signing_keys?"),
        (f"[accounts.a]\nprovider = 'bird'\nsigning_keys = '{CANARY}'", "must be a list of texts"),
        (f"[accounts.a]\nprovider = 'bird'\nsigning_keys = ['{CANARY}', 3]", "must be a list of texts"),
        (f"[accounts.a]\nprovider = 'bird'\naccess_key = ['{CANARY}']", "must be text in quotes, not a list"),
        ("[accounts.a]\nprovider = 'bird'\nsigning_keys = [\n'a',\n' ',\n]", "line 3: [accounts.a] signing_keys"),
        ("[accounts.a]\nprovider = 'bird'\naccess_key = 'env:NOT_THERE'", "variable NOT_THERE, which is not set"),
        (f"[accounts.a]\nprovider = 'bird'\naccess_key = 'env:{CANARY}'", "names no environment variable"),
        ("[accounts.a]\nprovider = 'bird'\naccess_key = 'keyring:'", "names no keyring entry"),
        (f"[accounts.a]\nprovider = 'bird'\naccess_key = 'é{CANARY}'", "cannot be sent"),
        ("[accounts.a]\nprovider = 'bird'\napi_url = 'http://api.bird.com'", "must begin with https://"),
        (f"[accounts.a]\nprovider = 'bird'\napi_url = 'https://u:{CANARY}@b.example.com'", "user name or password"),
        ("[accounts.a]\nprovider = 'volt'\npublic_key = 'http://example.com/k'", "must begin with https://"),
        (f"[accounts.a]\nprovider = 'volt'\npublic_key = '-----BEGIN PRIVATE KEY-----{CANARY}'", "is a private key"),
        ("[receiver]\nhost = 'keyring:h'", "cannot be read from the keyring here"),
        ("alerts = 3", "must be a list of tables, each begun with [[alerts]]"),
        ("alerts = [3]", "must be a list of tables, each begun with [[alerts]]"),
        ("[[alerts]]\nfilter = 'a'\nbell = true\n\n[[alerts]]\nbell = true", "line 5: [alerts 2] needs a filter"),
        ("[[alerts]]\nfilter = 'a'\nbell = true\n[[alerts]]\nfiltre = 'b'\n", "line 5: [alerts 2] filtre is not"),
        ("[[alerts]]\nfilter = 'a'", "needs exactly one of bell = true"),
        ("[[alerts]]\nfilter = 'a'\nbell = true\ntoast = true", "needs exactly one of bell = true"),
        ("[[alerts]]\nfilter = 'a'\ncommand = []", "must be a list with at least one text"),
    ],
)  # fmt: skip
def test_mistakes(text: str, says: str) -> None:
    told = refused(text)
    assert says in told
    assert told.startswith(str(FILE))
    assert told[-1] in ".?"
    assert "\n" not in told


def test_the_line_of_a_setting_is_that_of_its_beginning_wherever_it_is_written() -> None:
    text = (
        'a = """\n[receiver]\nprot = 1\n"""\n[ui]\ntheme = [\n  "x",\n]\n[x]\n[x.prot]\n[receiver] # prot\n"prot" = 1\n'
    )
    assert tomlfile.line_of(text, ("receiver", "prot")) == 12
    assert tomlfile.line_of(text, ("ui", "theme")) == 6
    assert tomlfile.line_of(text, ("x", "prot")) == 10
    assert tomlfile.line_of(text, ("a",)) == 1
    assert tomlfile.line_of(text, ("nowhere",)) is None
    assert tomlfile.line_of(text, ()) is None


@given(st.text(max_size=200))
def test_any_text_is_taken_or_refused_in_a_sentence(text: str) -> None:
    told = str(FILE)
    try:
        parse(text, FILE, {})
    except ConfigError as error:
        told = str(error)
    assert told.startswith(str(FILE))


def test_plain_settings_from_the_keyring() -> None:
    entries = {"place": "192.0.2.1"}
    text = "[receiver]\nhost = 'keyring:place'\n[accounts.a]\nprovider='bird'\nsigning_keys=['keyring:never asked']"
    found = parse(text, FILE, {}, keyring=entries.__getitem__)
    assert found.receiver.host == "192.0.2.1"
    assert found.accounts[0].signing_secrets == (KeyringSecret("never asked"),)


def test_a_keyring_secret_never_gives_a_text() -> None:
    secret = KeyringSecret("entry")
    assert secret.name == "entry"
    assert secret.masked() == "keyring:entry"
    assert secret != KeyringSecret("other")
    for ask in (secret.reveal, secret.fingerprint):
        with pytest.raises(LookupError, match="entry"):
            ask()


def test_accounts_from_the_environment() -> None:
    environ = {
        "VOLT_API_TOKEN": CANARY, "VOLT_API_URL": "http://localhost:1/graphql", "VOLT_PUBLIC_KEY": "keys/volt.pub",
        "BIRD_ACCESS_KEY": f" {CANARY}\n", "BIRD_WORKSPACE_ID": "w", "BIRD_ORGANIZATION_ID": "o",
        "BIRD_SIGNING_KEY": "keyring:is taken as it is", "BIRD_API_URL": "",
        "CONNECTLY_API_KEY": "k", "CONNECTLY_BUSINESS_ID": "b", "CONNECTLY_WEBHOOK_SECRET": "s",
        "CONNECTLY_API_URL": "https://c.example.com",
        "ONEROUTE_API_KEY": " ", "ONEROUTE_SECRET_KEY": "", "STANDARD_WEBHOOKS_SECRET": "whsec_c2VjcmV0",
    }  # fmt: skip
    found = parse("", FILE, environ).accounts
    assert found == (
        Account("volt", "volt", "http://localhost:1/graphql", Secret(CANARY), public_key="keys/volt.pub"),
        Account(
            "bird",
            "bird",
            "https://api.bird.com",
            Secret(CANARY),
            workspace_id="w",
            organization_id="o",
            signing_secrets=(Secret("keyring:is taken as it is"),),
        ),
        Account(
            "connectly",
            "connectly",
            "https://c.example.com",
            Secret("k"),
            business_id="b",
            signing_secrets=(Secret("s"),),
        ),
        Account("standard", "standard", signing_secrets=(Secret("whsec_c2VjcmV0"),)),
    )
    assert CANARY not in repr(found)
    assert parse("[accounts.mine]\nprovider = 'volt'", FILE, environ).accounts[0].name == "mine"


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("BIRD_API_URL", "http://api.bird.com", "is no usable address"),
        ("BIRD_ACCESS_KEY", f"{CANARY}\nmore", "cannot be sent"),
        ("VOLT_PUBLIC_KEY", "ftp://example.com", "is no usable address"),
    ],
)
def test_mistakes_in_the_environment_name_the_variable(name: str, value: str, says: str) -> None:
    told = refused("", **{name: value})
    assert told.startswith(f"The environment variable {name} ")
    assert says in told


def test_every_secret_variable_is_named() -> None:
    assert set(secret_variables()) == {
        "VOLT_API_TOKEN", "BIRD_ACCESS_KEY", "BIRD_SIGNING_KEY", "CONNECTLY_API_KEY", "CONNECTLY_WEBHOOK_SECRET",
        "ONEROUTE_API_KEY", "ONEROUTE_SECRET_KEY", "STANDARD_WEBHOOKS_SECRET",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("-----BEGIN PUBLIC KEY-----\nMII", "text"),
        ("\n  ssh-rsa AAAA me@example.com\n", "text"),
        ("MCowBQYDK2VwAyEA3wjctSTLJgR7u2or7sx0sW60ad+zZLHYHGUdMQc1QC8=", "text"),
        ("https://callbacks.example.com/id_rsa.pub", "address"),
        ("http://127.0.0.1/id_rsa.pub", "address"),
        ("keys/volt.pub", "path"),
        ("~/MII", "path"),
        ("MIIkeys", "path"),
        (r"C:\keys\volt.pub", "path"),
    ],
)
def test_the_form_of_a_public_key_setting(text: str, form: str) -> None:
    assert key_form(text) == form


def test_a_key_setting_knows_its_line() -> None:
    (setting,) = parse('[ui]\nmask = true\n[ui.keymap]\nquit = "Q"\n', FILE, {}).ui.keymap
    assert setting.named == f"{FILE}, line 4: [ui.keymap] quit"
