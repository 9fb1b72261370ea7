"""Put first on PYTHONPATH of the server: writes down every look-up and connection that leaves the machine."""

import os
import socket
from pathlib import Path
from typing import Any

LOOPBACK = ("127.", "::1", "localhost")


def _note(what: str, target: Any) -> None:
    host = target[0] if isinstance(target, tuple) else target
    host = host.decode() if isinstance(host, bytes) else host
    if isinstance(host, str) and host and not host.startswith(LOOPBACK):
        with Path(os.environ["NETWORK_LOG"]).open("a", encoding="utf-8") as log:
            log.write(f"{what} {target}\n")


def _watch() -> None:
    look_up, connect = socket.getaddrinfo, socket.socket.connect

    def watched_look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _note("getaddrinfo", host)
        return look_up(host, *args, **kwargs)

    def watched_connect(self: socket.socket, address: Any) -> Any:
        if self.family != getattr(socket, "AF_UNIX", None):
            _note("connect", address)
        return connect(self, address)

    socket.getaddrinfo = watched_look_up
    socket.socket.connect = watched_connect  # type: ignore[method-assign]


if "NETWORK_LOG" in os.environ:
    _watch()
