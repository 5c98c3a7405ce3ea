"""The composition of the program: what both faces run on, built from the configuration and what the user chose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from monitor import paths
from monitor.config import Config
from monitor.providers.registry import registry
from monitor.services.configfile import ConfigFile
from monitor.services.examine import Examiner
from monitor.services.keychain import Keychain
from monitor.services.localkeys import LocalKeys
from monitor.services.signingkeys import SigningKeys
from monitor.store import lease
from monitor.store.errors import StoreError
from monitor.store.public_keys import PublicKeys
from monitor.tunnels.programs import NONE
from monitor.urls import hostname, in_address

if TYPE_CHECKING:
    import socket

    from monitor.forwarding.target import Target
    from monitor.model.attempt import Attempt
    from monitor.services.alerts import Alerts, OnAlert
    from monitor.services.forwards import Forwards
    from monitor.services.monitor import Monitor, Settings
    from monitor.services.news import News
    from monitor.services.office import AskAlive
    from monitor.services.registrations import Registrations
    from monitor.services.replay import Replayer
    from monitor.services.simulate import Simulator
    from monitor.services.tunnel import PublicTunnel


@dataclass(frozen=True, slots=True)
class Assembly:
    """A running monitor with what belongs to it. Whoever shows alerts sets ``alerts.on_alert``, and likewise
    ``news.on_news``; a demonstration has no news."""

    config: Config
    monitor: Monitor
    simulator: Simulator
    keychain: Keychain
    alerts: Alerts
    registrations: Registrations
    tunnel: PublicTunnel
    replayer: Replayer
    news: News | None


def load_config(path: Path | None) -> Config:
    """The configuration; variables that hold secrets leave the environment, so that no child process gets them.

    Raises ConfigError.
    """
    return ConfigFile(path).load()


def beside(config: Config, database: Path, port: int | None = None) -> Config:
    """The configuration with host, port, public URL and app of the hooktop that receives into this database now.

    Unchanged where none does, or where another ``port`` is meant.
    """
    found = lease.told(paths.expanded(database))
    own = urlsplit(found.url) if found else None
    if found is None or own is None or own.hostname is None or own.port is None or port not in (None, own.port):
        return config
    public_url = found.public_url or config.receiver.public_url
    receiver = replace(config.receiver, host=own.hostname, port=own.port, public_url=public_url)
    forward = replace(config.forward, url=found.forward, rules=()) if found.forward else config.forward
    return replace(config, receiver=receiver, forward=forward)


def database_of(config: Config) -> Path:
    """The database that the configuration names, else the default one."""
    return config.store.path or paths.default_db()


def keychain_of(config: Config, database: Path) -> Keychain:
    """The keys of today: from the configuration, fetched ones in the database, and those of this installation."""
    folder = paths.data_dir()
    return Keychain(config, PublicKeys(database), LocalKeys(folder), signing=SigningKeys(folder))


def examiner_of(config: Config, database: Path) -> Examiner:
    """What judges stored captures with the keys of today, without a running monitor."""
    from monitor.store.registrations import RegistrationStore

    keychain = keychain_of(config, database)
    with suppress(StoreError):  # whoever needs the database says so
        keychain.registered(RegistrationStore(database).addresses())
    is_stamp = LocalKeys(paths.data_dir()).is_stamp
    return Examiner(registry(), keychain, is_stamp, _own_numbers(config, database))


def _own_numbers(config: Config, database: Path) -> Mapping[str, set[str]]:
    """The business's numbers by provider: those of the configuration, and those that the database tells."""
    from monitor.services.echoes import own_numbers
    from monitor.store.reader import Reader

    configured = [(account.provider, account.business_numbers or "") for account in config.accounts]
    try:
        with closing(Reader(database)) as reader:
            return own_numbers(configured, reader.senders())
    except StoreError:  # whoever needs the database says so; a verdict on a file needs none
        return own_numbers(configured, ())


def simulator_of(config: Config, to: str | None = None) -> Simulator:
    """A simulator that posts to ``to``, an address with or without a path, or to the receiver of the configuration.

    Raises SimulationProblem for an address that cannot be sent to.
    """
    from monitor.services.simulate import Simulator

    local = LocalKeys(paths.data_dir())
    receiver, own = config.receiver, receiver_url(config)
    if to is None or _is_same(to, own):
        token = local.path_token() if receiver.tokens else None
        return Simulator(registry(), local, own, public_url=lambda: receiver.public_url, token=token)
    whole = urlsplit(to).path.strip("/") != ""
    return Simulator(registry(), local, to, path=(lambda provider: "") if whole else None)


def replayer_of(config: Config, database: Path) -> Replayer:
    """What sends captures again, without a running monitor or beside one. Raises ConfigError."""
    from monitor.services.replay import Replayer
    from monitor.store.attempts import Attempts

    kept, local = Attempts(database), LocalKeys(paths.data_dir())

    async def keep(attempts: Sequence[Attempt]) -> None:
        await asyncio.to_thread(kept.add, attempts)

    return Replayer(database, keep, registry(), local, config.forward, lambda: config.receiver.public_url)


def registrations_of(config: Config, database: Path, public_url: str | None = None) -> Registrations:
    """The registrations without a running monitor: for what receives at ``public_url``, else at the configured one.

    Raises KeyProblem when the path token is asked for and cannot be kept.
    """
    from monitor.services.reach import Reach
    from monitor.services.registrations import Registrations
    from monitor.store.registrations import RegistrationStore

    keychain, local = keychain_of(config, database), LocalKeys(paths.data_dir())
    token = local.path_token() if config.receiver.tokens else None
    reach = Reach((public_url or config.receiver.public_url or "").rstrip("/") or None, token, local)
    signing = SigningKeys(paths.data_dir())
    store = RegistrationStore(database)
    return Registrations(config, reach, store, keychain, signing, alive=answers_at)


async def answers_at(url: str) -> bool | None:
    """Whether anything answers at an address: False when it leads nowhere any more, None when that cannot be told."""
    from monitor.tunnels.alive import AliveState, alive

    known = {AliveState.ANSWERS: True, AliveState.DEAD: False, AliveState.UNRESOLVABLE: False}
    return known.get((await alive(url)).state)


def _is_same(to: str, own: str) -> bool:
    """Whether an address is that of the receiver, under whatever name this machine has."""
    from monitor.forwarding.target import TargetProblem, target_of

    try:
        there, here = target_of(to), target_of(own)
    except TargetProblem:  # it is nobody's, and whoever sends there says so
        return to.rstrip("/") == own
    both_here = there.on_this_machine and here.on_this_machine and there.port == here.port
    return (both_here or there.authority == here.authority) and not there.secure and there.path in ("", "/")


def receiver_url(config: Config) -> str:
    """The address under which a program on this machine reaches the receiver of the configuration."""
    host = config.receiver.host
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"http://{in_address(host)}:{config.receiver.port}"


def forwards_of(config: Config, own: tuple[str, int]) -> Forwards | None:
    """What passes captures on, where anything is to be; ``own`` is where the receiver listens. May wait for the
    keyring. Raises ConfigError."""
    if config.forward.url is None and not config.forward.rules:
        return None
    from monitor.services.forwards import Forwards

    public = hostname(config.receiver.public_url or "")

    def is_own(target: Target) -> bool:
        return target.host == public or (target.port == own[1] and (target.on_this_machine or target.host == own[0]))

    return Forwards(config.forward, is_own)


@asynccontextmanager
async def assembled(
    config: Config,
    settings: Settings,
    sock: socket.socket,
    database: Path,
    *,
    local_folder: Path | None = None,
    on_alert: OnAlert | None = None,
    alive: AskAlive | None = answers_at,
    tunnel: str = NONE,
    file: ConfigFile | None = None,
) -> AsyncIterator[Assembly]:
    """A monitor that receives on the bound socket, with its store open; everything is ended in reverse afterwards.

    ``local_folder`` is where this installation's own keys are; ``on_alert`` gets the alerts that are to be rung or
    shown; ``alive`` tells whether an earlier public address still leads anywhere; ``tunnel`` is ``NONE``, ``AUTO`` or
    the program to start; ``file`` is where the configuration is from, to be looked at for news. Raises ConfigError,
    StoreError and ReceiverError.
    """
    from monitor.services.alerts import Alerts
    from monitor.services.gate import Gate
    from monitor.services.monitor import Monitor
    from monitor.services.news import News
    from monitor.services.reach import Reach
    from monitor.services.registrations import Registrations
    from monitor.services.replay import Replayer
    from monitor.services.retention import Retention
    from monitor.services.simulate import Simulator
    from monitor.services.tunnel import PublicTunnel
    from monitor.store.message_reader import MessageReader
    from monitor.store.registrations import RegistrationStore
    from monitor.store.store import Store

    local_folder = local_folder or paths.data_dir()
    # A demonstration leaves nothing behind, least of all in the user's keyring.
    local, signing = LocalKeys(local_folder), SigningKeys(local_folder, in_keyring=not settings.demo)
    try:
        alerts = Alerts(config.alerts, lambda: MessageReader(database.expanduser()), on_alert)
        forwards = await asyncio.to_thread(forwards_of, config, sock.getsockname()[:2])
        if config.receiver.tokens:
            settings = replace(settings, token=local.path_token())
        store = Store.open(database, trust_unproven=config.receiver.trust_unproven)
    except BaseException:
        sock.close()
        raise
    keychain = Keychain(config, PublicKeys(database), local, signing=signing)
    reach = Reach(config.receiver.public_url, settings.token, local)
    reach.follow(lambda: keychain.reached(reach.public_url))
    if settings.demo:
        from monitor.services.demonstration import alive_by

        alive = alive_by(reach)
    examiner = Examiner(registry(), keychain, local.is_stamp, _own_numbers(config, store.path))
    receiver = config.receiver
    retention = Retention(store, config.store.keep, config.store.max_size)
    gate = Gate(reach, receiver.allowed_hosts, receiver.unproven_rate, full=retention.is_full)
    monitor = Monitor(store, examiner, sock, settings, reach, forwards=forwards, gate=gate)
    simulator = Simulator(registry(), local, monitor.url, public_url=lambda: reach.public_url, token=settings.token)
    replayer = Replayer(store.path, store.keep, registry(), local, config.forward, lambda: reach.public_url)
    registrations = Registrations(
        config,
        reach,
        RegistrationStore(database),
        keychain,
        signing,
        alive=alive,
        read_only=settings.read_only,
        demo=settings.demo,
    )
    public = PublicTunnel(reach, monitor.port, tunnel)
    news = None if file is None else News(keychain, registrations, file)
    try:
        alerts.start()  # before anything comes in, so that all of it is news
        store.follow(alerts.offer)
        store.follow(retention.stored)
        store.follow(registrations.committed)
        await registrations.read()
        await monitor.start()
        app = None if config.forward.rules else config.forward.url  # rules stand in the configuration for all
        store.tell(monitor.url, reach.public_url, app)
        reach.follow(lambda: store.tell(monitor.url, reach.public_url, app))
        retention.start()
        await public.start()
        if news is not None:
            news.start()
        yield Assembly(config, monitor, simulator, keychain, alerts, registrations, public, replayer, news)
    finally:
        if news is not None:
            await news.stop()
        await public.stop()
        await retention.stop()
        await monitor.stop()
        await alerts.stop()
