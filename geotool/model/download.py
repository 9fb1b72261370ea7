"""One file from the Hugging Face Hub: size first, resumed after a break, checked at the end.

The library's own download writes to a name that is new on each call and so starts from zero after a
break; 1.7 GB over a school's line deserve better. Here the library finds, signs and sends the
requests; only the loop over the bytes is ours. No account is used, even where a token is stored.
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from geotool.core.artifacts import file_sha256
from geotool.core.errors import GeotoolError, MismatchError, NotFoundError, RemoteError
from geotool.core.report import Report, stop_if_asked

_ATTEMPTS = 5  # in a row without a single new byte
_PAUSE_S = 2.0  # before trying again
_TIMEOUT_S = 30.0
_BLOCK = 1 << 18  # what a broken connection may lose
_TO_RESUME = "Start the same command again: it goes on where it stopped."


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteFile:
    """One file at one revision; `size_bytes` and `sha256` are known in advance."""

    repo: str
    revision: str
    file: str
    size_bytes: int
    sha256: str

    def __str__(self) -> str:
        return f"{self.file} of {self.repo}"


def fetch(remote: RemoteFile, target: Path, report: Report) -> Path:
    """Download to `target` by way of `target`.part, which a later call continues.

    Raises RemoteError (no network, broken off), MismatchError (other content than known),
    StoppedError, GeotoolError (disk full).
    """
    part = target.with_name(target.name + ".part")
    if target.is_file() and target.stat().st_size == remote.size_bytes:
        return _check(remote, target)
    check_hub(remote)
    target.parent.mkdir(parents=True, exist_ok=True)
    check_space(target.parent, remote.size_bytes - _size(part))
    tries = 0
    while (before := _size(part)) < remote.size_bytes:
        stop_if_asked(report)
        reason = _fetch_rest(remote, part, report)
        tries = 0 if _size(part) > before else tries + 1
        if reason and tries >= _ATTEMPTS:
            raise RemoteError(f"The download of {remote} broke off ({reason}).", _TO_RESUME)
        if reason:
            report.event("connection lost, trying again", because=reason)
            time.sleep(_PAUSE_S)
    part.replace(target)
    return _check(remote, target)


def check_hub(remote: RemoteFile) -> None:
    """Ask the Hub for size and checksum before any byte is fetched.

    Raises RemoteError without network, NotFoundError, MismatchError where they are not the known ones.
    """
    import httpx

    hub = _import_hub()
    try:
        found = hub.get_hf_file_metadata(_url(remote), token=False, timeout=_TIMEOUT_S)
    except hub.errors.OfflineModeIsEnabled:
        _refuse(remote, "HF_HUB_OFFLINE is set")
    except (hub.errors.EntryNotFoundError, hub.errors.RepositoryNotFoundError) as error:
        raise NotFoundError(f"The Hub has no {remote} (any more).", _other_way(remote)) from error
    except (httpx.HTTPError, OSError) as error:
        _refuse(remote, _to_reason(error))
    if found.size != remote.size_bytes or (
        found.etag and len(found.etag) == 64 and found.etag != remote.sha256
    ):
        raise MismatchError(
            f"The Hub offers another {remote} ({found.size} bytes, {found.etag}) than the known one "
            f"({remote.size_bytes} bytes, {remote.sha256}).", _other_way(remote),
        )  # fmt: skip


def check_space(folder: Path, needed_bytes: int) -> None:
    """Raise GeotoolError where the disk of an existing folder is too full."""
    free = shutil.disk_usage(folder).free
    if free < needed_bytes:
        raise GeotoolError(
            f"The disk of {folder} has {free / 1e9:.1f} GB free, {needed_bytes / 1e9:.1f} GB are needed.",
            "Free some space, or choose another folder with --home.",
        )


def _fetch_rest(remote: RemoteFile, part: Path, report: Report) -> str | None:
    """Append what is missing; the reason if the connection broke, None if the file is whole."""
    import httpx

    headers = {"User-Agent": "geotool", "Accept-Encoding": "identity"}  # the bytes as they are stored
    if done := _size(part):
        headers["Range"] = f"bytes={done}-"
    try:
        with (
            _import_hub()
            .get_session()
            .stream("GET", _url(remote), headers=headers, timeout=_TIMEOUT_S) as response
        ):
            response.raise_for_status()
            _append(response, part, remote, report)
    except (httpx.HTTPError, OSError) as error:
        return _to_reason(error)
    return None if _size(part) == remote.size_bytes else "the server closed early"


def _append(response: Any, part: Path, remote: RemoteFile, report: Report) -> None:
    resumed = response.status_code == 206  # a server that ignores ranges sends 200 and all from the start
    with part.open("ab" if resumed else "wb") as file:
        report.progress(file.tell(), remote.size_bytes, unit="B")
        for block in response.iter_bytes(_BLOCK):
            stop_if_asked(report)
            file.write(block)
            report.progress(file.tell(), remote.size_bytes, unit="B")
            if file.tell() > remote.size_bytes:
                raise MismatchError(f"The server sent more than the {remote.size_bytes} bytes of {remote}.")


def _check(remote: RemoteFile, path: Path) -> Path:
    """The path, if its checksum is the known one; else the file is removed: MismatchError."""
    found = file_sha256(path)
    if found != remote.sha256:
        path.unlink()
        raise MismatchError(
            f"The downloaded {remote} has the sha256 {found}, expected {remote.sha256}; it was removed.",
            "Start the command again, and if that repeats use another network.",
        )
    return path


def _refuse(remote: RemoteFile, reason: str) -> NoReturn:
    raise RemoteError(f"The Hugging Face Hub cannot be reached ({reason}).", _other_way(remote))


def _other_way(remote: RemoteFile) -> str:
    return (
        f"Try again with a network, or fetch {_url(remote)} on another machine and side-load it: "
        "python -m geotool download geoclip --from FILE."
    )


def _url(remote: RemoteFile) -> str:
    return _import_hub().hf_hub_url(remote.repo, remote.file, revision=remote.revision)


def _import_hub() -> Any:
    """The library without its telemetry, which asks the Hub a question and writes outside the home folder."""
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    import huggingface_hub
    import huggingface_hub.errors

    return huggingface_hub


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _to_reason(error: Exception) -> str:
    return str(error).splitlines()[0][:120] if str(error) else type(error).__name__
