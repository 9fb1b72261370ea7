"""The private folder for dropped photos: only its owner may read it, and it never outlives the window.

Each window has its own, named after its port. A port belongs to one process at a time, so whoever
holds it may empty its folder, and a folder whose port nobody holds was left behind by a crash.
"""

from __future__ import annotations

import secrets
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geotool.core.errors import UsageError
from geotool.core.paths import home

LOOPBACK = "127.0.0.1"
GONE = "-gone-"


def uploads_dir() -> Path:
    return home() / "uploads"


@contextmanager
def private_folder(port: int) -> Iterator[Path]:
    """An empty folder of mode 0700 for the window on `port`; gone again at the end.

    Raises UsageError where the home folder cannot be written to.
    """
    folder = uploads_dir() / str(port)
    try:
        remove_leftovers(port)
        folder.mkdir(mode=0o700, parents=True)
        folder.parent.chmod(0o700)
    except OSError as error:
        hint = "Name another folder with --home DIR."
        raise UsageError(f"{folder} cannot be made: {error.strerror}.", hint) from error
    try:
        yield folder
    finally:
        _remove(folder)


def remove_leftovers(port: int) -> None:
    """Empty our own folder and those of windows that are gone. `port` is held by us already."""
    for folder in uploads_dir().glob("[0-9]*"):
        if GONE in folder.name:
            shutil.rmtree(folder, ignore_errors=True)
        elif folder.name == str(port) or (folder.name.isdigit() and port_is_free(int(folder.name))):
            _remove(folder)


def _remove(folder: Path) -> None:
    """Out of the way at once, then emptied: the next window on this port may already make its own."""
    aside = folder.with_name(f"{folder.name}{GONE}{secrets.token_hex(4)}")
    try:
        folder.rename(aside)
    except FileNotFoundError:  # the window that is closing was faster
        return
    shutil.rmtree(aside, ignore_errors=True)


def port_is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((LOOPBACK, port))
        except (OSError, OverflowError):
            return False
    return True


def own_file(path: str, folder: Path) -> Path:
    """The path, if it is a file inside the private folder. Raises UsageError for any other."""
    resolved = Path(path).resolve()
    if not resolved.is_relative_to(folder.resolve()) or not resolved.is_file():
        raise UsageError("The window takes only photos that were dropped into it.", "Drop the photo again.")
    return resolved
