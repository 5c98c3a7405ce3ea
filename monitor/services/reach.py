"""Where the world reaches the receiver: the public address, which may change while it runs, and the hooks below it."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Final, Protocol
from urllib.parse import urlsplit

MARK_PREFIX: Final = "hk-"


class Marks(Protocol):
    """What this installation knows its own addresses by."""

    def mark(self) -> str:
        """The last path segment of the hooks that this installation registers."""


class Reach:
    """The public address of the receiver, and who wants to know when it changes.

    A hook's address ends with the path token where one is asked for, else with this installation's mark: by its end
    hooktop knows a registration of its own, at whatever host it points.
    """

    def __init__(self, public_url: str | None, token: str | None, marks: Marks) -> None:
        """``public_url`` is the base address without a slash at its end, None where there is none yet."""
        self._public_url = public_url
        self._token = token
        self._marks = marks
        self._followers: list[Callable[[], None]] = []

    @property
    def public_url(self) -> str | None:
        """The base address under which the world reaches the receiver now."""
        return self._public_url

    def change(self, public_url: str | None) -> None:
        """Another address from now on; everybody who follows is told."""
        public_url = public_url.rstrip("/") if public_url else None
        if public_url != self._public_url:
            self._public_url = public_url
            for follower in self._followers:
                follower()

    def follow(self, changed: Callable[[], None]) -> None:
        """Call ``changed`` after each change."""
        self._followers.append(changed)

    def hook_path(self, provider: str) -> str:
        """The path that a provider's webhooks are registered with. Raises KeyProblem."""
        return f"/{provider}/{self._token or self._marks.mark()}"

    def hook_url(self, provider: str) -> str | None:
        """Where a provider's webhooks are to be sent; None without a public address. Raises KeyProblem."""
        return None if self._public_url is None else self._public_url + self.hook_path(provider)

    def is_ours(self, url: str) -> bool:
        """Whether an address was made by this installation, at whatever host. Raises KeyProblem."""
        try:
            last = urlsplit(url).path.rstrip("/").rpartition("/")[2].encode("utf-8", "replace")
        except ValueError:
            return False
        own = [self._marks.mark(), *([self._token] if self._token else [])]
        return any(hmac.compare_digest(last, one.encode("utf-8")) for one in own)
