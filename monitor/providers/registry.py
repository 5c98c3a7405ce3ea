"""Finds the providers: the built-in ones and those that other packages bring."""

from __future__ import annotations

import importlib
import logging
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from functools import cache
from importlib.metadata import entry_points
from typing import Any, Final

from monitor.account import PLUG_INS
from monitor.jsonbody import Body
from monitor.model.capture import Request
from monitor.providers.base import BY_HEADER, NO_MATCH, Provider, Scenario
from monitor.text import visible

# In this order ties are broken; generic takes what nobody recognises.
BUILT_IN = ("volt", "bird", "connectly", "oneroute", "standard", "generic")
_MEMBERS: Final = sorted(name for name in vars(Provider) if not name.startswith("_"))
FAILS: Final = (Exception, SystemExit)  # what a plug-in may raise: it may call what was written as a script
log = logging.getLogger(__name__)


class Registry:
    """The providers by name, built-in ones first."""

    def __init__(self, providers: Iterable[Provider]) -> None:
        self._by_name = {provider.name: provider for provider in providers}

    def __iter__(self) -> Iterator[Provider]:
        return iter(self._by_name.values())

    def names(self) -> tuple[str, ...]:
        """Every provider's name, in order."""
        return tuple(self._by_name)

    def get(self, name: str) -> Provider | None:
        """The provider of that name, or None."""
        return self._by_name.get(name)

    def __getitem__(self, name: str) -> Provider:
        return self._by_name[name]

    def recognise(self, request: Request, body: Body) -> Provider:
        """Whose request this is, judged by headers and body; ``generic`` when nobody knows it."""
        best, best_match = self._by_name["generic"], NO_MATCH
        for provider in self._by_name.values():
            match = _recognise(provider, request, body)
            if match > best_match:
                best, best_match = provider, match
                if match == BY_HEADER:
                    break
        return best


def _recognise(provider: Provider, request: Request, body: Body) -> int:
    try:
        return int(provider.recognise(request, body))  # also of one that forgot to say something
    except FAILS as error:  # a plug-in's error must not cost the capture
        log.error("%s.recognise failed: %s", provider.name, type(error).__name__)
        return NO_MATCH


@cache
def registry() -> Registry:
    """All providers installed. One that fails to load is logged and left out; a built-in name cannot be taken over."""
    found = [_built_in(name) for name in BUILT_IN]
    taken = set(BUILT_IN)
    for point in sorted(entry_points(group=PLUG_INS), key=lambda point: point.name):
        try:
            with redirect_stdout(sys.stderr):  # stdout is for data alone
                provider = point.load()
                _look_at(provider)
            name = provider.name
        except FAILS as error:  # a plug-in is somebody else's code: hooktop starts without it
            why = visible(f"{type(error).__name__}: {error}", limit=300)
            log.warning("provider plug-in %s cannot be loaded: %s", point.name, why)
            continue
        if name in taken:
            log.warning("provider plug-in %s is left out: there is a provider %s already", point.name, name)
            continue
        taken.add(name)
        found.append(provider)
    return Registry(found)


def _look_at(provider: Any) -> None:
    """Raises TypeError where a plug-in is no provider, such as one that was written for another version."""
    if isinstance(provider, type):
        raise TypeError("it is a class, and is to be an object of it")
    if missing := [name for name in _MEMBERS if not hasattr(provider, name)]:
        raise TypeError(f"it has no {', '.join(missing)}")
    for name in ("name", "label"):
        if not isinstance(text := getattr(provider, name), str) or not text:
            raise TypeError(f"its {name} is no text")
    headers = provider.signature_headers  # one not found among those of a request would be exported in clear
    if not isinstance(headers, tuple | list) or any(not isinstance(one, str) or one != one.lower() for one in headers):
        raise TypeError("its signature_headers are no tuple of names in lower case")
    scenarios = provider.scenarios
    if not isinstance(scenarios, tuple | list) or any(not isinstance(one, Scenario) for one in scenarios):
        raise TypeError("its scenarios are no tuple of Scenario")


def _built_in(name: str) -> Provider:
    provider: Provider = importlib.import_module(f"monitor.providers.{name}").provider
    return provider
