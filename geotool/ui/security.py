"""Who may talk to the window, and about what. Loopback is not private by itself: every web page in
the user's browser can send requests to 127.0.0.1."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from geotool.core.errors import UsageError
from geotool.ui.uploads import own_file

LOCAL_NAMES = ("127.0.0.1", "localhost")
PUBLIC_PREFIX = "/vendor/"  # Leaflet, outlines, our own scripts: nothing of the user's
CLOSED_PATHS = ("/gradio_api/openapi.json", "/gradio_api/runs", "/monitoring")
MAX_MESSAGE_BYTES = 4_000_000  # of one event; photos travel as uploads, not as events
UNSAFE_METHODS = ("POST", "PUT", "PATCH", "DELETE")

# Gradio needs inline scripts and eval to start. Everything else stays on this server, and the map
# frame inherits the policy: it cannot fetch a tile from anywhere.
CONTENT_SECURITY_POLICY = "; ".join((
    "default-src 'self'",
    "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
    "style-src 'self' 'unsafe-inline'",
    "img-src 'self' data: blob:",
    "font-src 'self' data:",
    "connect-src 'self'",
    "worker-src 'self' blob:",
    "frame-src 'self' blob: data:",
    "frame-ancestors 'self'",
    "base-uri 'self'",
    "form-action 'self'",
    "object-src 'none'",
))  # fmt: skip


class Guard:
    """ASGI middleware: refuses foreign hosts, origins, paths and file records, and adds the headers."""

    def __init__(self, app: ASGIApp, upload_folder: Path) -> None:
        self.app = app
        self.upload_folder = upload_folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        try:
            self._check_sender(scope)
            self._check_path(scope["path"])
            receive = await self._checked_body(scope, receive)
        except Refused as refusal:
            await PlainTextResponse(str(refusal), status_code=refusal.status)(scope, receive, send)
            return
        await self.app(scope, receive, _with_headers(send, scope["path"]))

    @staticmethod
    def _check_sender(scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _hostname(f"//{host}") not in LOCAL_NAMES:
            raise Refused(400, "This address is not the window's.")
        public = scope["path"].startswith(PUBLIC_PREFIX)
        origin = headers.get("origin")
        if origin is not None and not public and origin != f"http://{host}":
            raise Refused(403, "Another page may not talk to this window.")
        foreign_site = headers.get("sec-fetch-site") in ("cross-site", "same-site")
        if foreign_site and not public and headers.get("sec-fetch-mode") != "navigate":
            raise Refused(403, "Another page may not talk to this window.")

    def _check_path(self, path: str) -> None:
        """Gradio's file routes would also fetch URLs; here they give back dropped photos only."""
        if "/proxy=" in path or path in CLOSED_PATHS:
            raise Refused(404, "There is nothing here.")
        if "/file=" in path or "/file/" in path:
            target = path.split("/file", 1)[1][1:]
            try:
                own_file(target, self.upload_folder)
            except (UsageError, ValueError, OSError) as error:
                raise Refused(403, "This file is not the window's.") from error

    async def _checked_body(self, scope: Scope, receive: Receive) -> Receive:
        """Read an event, look for file records that point elsewhere, and hand it on."""
        headers = Headers(scope=scope)
        upload = headers.get("content-type", "").startswith("multipart/form-data")
        if scope["type"] != "http" or scope["method"] not in UNSAFE_METHODS or upload:
            return receive
        body = await _read_body(receive)
        try:
            check_records(json.loads(body or b"null"), self.upload_folder)
        except (ValueError, RecursionError):
            pass  # no JSON: nothing in Gradio takes it either, and it answers with its own error
        except UsageError as error:
            raise Refused(403, error.message) from error
        return _replay(body, receive)


class Refused(Exception):
    """A request that must not reach the application: HTTP status and one sentence."""

    def __init__(self, status: int, sentence: str) -> None:
        super().__init__(sentence)
        self.status = status


def check_records(message: Any, folder: Path) -> None:
    """Raise UsageError where a record names a file outside the private folder or a foreign address.

    Gradio would fetch such an address, or hand such a file to a tab, before any of our code runs.
    """
    for record in _records(message):
        if isinstance(record.get("path"), str):
            own_file(record["path"], folder)
        url = record.get("url")
        if isinstance(url, str) and _is_foreign(url):
            raise UsageError("The window fetches nothing from other addresses.")


def _records(value: Any) -> Iterator[dict[str, Any]]:
    """All objects inside a JSON value."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            yield item
            waiting += item.values()
        elif isinstance(item, list):
            waiting += item


def _is_foreign(url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.scheme or parts.netloc) and parts.hostname not in LOCAL_NAMES


def _hostname(url: str) -> str | None:
    try:
        return urlsplit(url).hostname
    except ValueError:
        return None


async def _read_body(receive: Receive) -> bytes:
    parts, size = [], 0
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > MAX_MESSAGE_BYTES:
            raise Refused(413, "This message is too large.")
        if not message.get("more_body"):
            return b"".join(parts)


def _replay(body: bytes, receive: Receive) -> Receive:
    """A receive that gives the body once and then whatever the connection still says."""
    first: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def again() -> Message:
        return first.pop() if first else await receive()

    return again


def _with_headers(send: Send, path: str) -> Send:
    public = path.startswith(PUBLIC_PREFIX)

    async def send_with_headers(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
            headers["X-Content-Type-Options"] = "nosniff"
            headers["Referrer-Policy"] = "same-origin"
            # The map frame has no origin of its own, so it may read the public files from outside.
            headers["Cross-Origin-Resource-Policy"] = "cross-origin" if public else "same-origin"
            if public:
                headers["Access-Control-Allow-Origin"] = "*"
                headers["Cache-Control"] = "no-cache"
        await send(message)

    return send_with_headers
