"""The tunnel programs that hooktop can start and find, as data."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

# What may be asked for in the place of a program.
AUTO: Final = "auto"  # a tunnel that runs already and leads to the receiver
NONE: Final = "none"


@dataclass(frozen=True, slots=True)
class Program:
    """A program that makes a local port reachable from the internet.

    ``arguments`` lead to the local port ``{port}``. The first group of ``url`` is the public address, looked for in
    the lines of its output that hold ``needle``. ``variables`` of the environment are its own and are passed on;
    ``missing`` says what to do where it is not installed.
    """

    name: str
    executable: str
    arguments: tuple[str, ...]
    needle: str
    url: re.Pattern[str]
    missing: str
    variables: tuple[str, ...] = ()

    def command(self, port: int) -> tuple[str, ...]:
        """The arguments that lead to a port of 127.0.0.1, without the program itself."""
        return tuple(word.replace("{port}", str(port)) for word in self.arguments)


_ALL: Final = (
    Program(
        name="cloudflared",
        executable="cloudflared",
        # A config.yml of another tunnel would take over: its rules answer 404 for the host of a quick tunnel
        # (https://github.com/cloudflare/cloudflared/pull/785).
        arguments=("tunnel", "--config", os.devnull, "--no-autoupdate", "--url", "http://127.0.0.1:{port}"),
        needle="|",  # it frames the address; a bare one is its own API's, in an error
        url=re.compile(r"\|  ?(https://[a-z0-9-]+\.trycloudflare\.com) *\|"),
        missing=(
            "cloudflared is not installed; install it (https://github.com/cloudflare/cloudflared), choose another "
            "tunnel, or give an address of your own with --public-url."
        ),
    ),
    Program(
        name="ngrok",
        executable="ngrok",
        # Without a terminal it prints nothing unless it is told to log.
        arguments=("http", "http://127.0.0.1:{port}", "--log", "stdout", "--log-format", "logfmt"),
        needle='msg="started tunnel"',
        url=re.compile(r' url="?(https://[A-Za-z0-9.-]+)'),
        missing=(
            "ngrok is not installed; install it (https://ngrok.com/download) and add your authtoken, choose another "
            "tunnel, or give an address of your own with --public-url."
        ),
        variables=("NGROK_AUTHTOKEN",),
    ),
    Program(
        name="tailscale",
        executable="tailscale",
        # In the foreground: the funnel ends with the program, however that ends.
        arguments=("funnel", "http://127.0.0.1:{port}"),
        needle=".ts.net",
        url=re.compile(r"(?:^|\s)(https://[a-z0-9.-]+\.ts\.net(?::[0-9]{1,5})?)/?(?:$|\s)"),
        missing=(
            "tailscale is not installed; install it (https://tailscale.com/download) and log in, choose another "
            "tunnel, or give an address of your own with --public-url."
        ),
    ),
    Program(
        name="localtunnel",
        executable="lt",
        # By name it may try ::1 alone, where nobody listens.
        arguments=("--port", "{port}", "--local-host", "127.0.0.1"),
        needle="your url is:",
        url=re.compile(r"your url is: (https://[A-Za-z0-9.-]+(?::[0-9]{1,5})?)"),
        missing=(
            "lt, the program of localtunnel, is not installed; install it with npm install -g localtunnel, choose "
            "another tunnel, or give an address of your own with --public-url."
        ),
    ),
)
PROGRAMS: Final[Mapping[str, Program]] = {program.name: program for program in _ALL}
