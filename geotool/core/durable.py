"""Writing so that a kill, a power cut or a full disk loses nothing that was done before."""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from geotool.core.errors import GeotoolError, MismatchError

_REMEDY = "Start the same command again: it goes on with what is there."


def write_at(path: Path, start: int, content: bytes) -> None:
    """Put bytes at a place of a file, cut off what lies behind them, flush. At 0 the file is made anew.

    Raises MismatchError where the file has become shorter than that, OSError where it is gone.
    """
    with open(path, "r+b" if start else "wb") as file:
        if file.seek(0, os.SEEK_END) < start:
            raise MismatchError(f"{path} has become shorter.", _REMEDY)
        file.seek(start)
        file.truncate()
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    if not start:
        flush_to_disk(path.parent)


def flush_to_disk(path: Path) -> None:
    """Return when the content of a file, or the names in a folder, would survive a power cut."""
    if path.is_dir() and os.name == "nt":  # which cannot open folders
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def explained_disk_errors(target: Path) -> Iterator[None]:
    """Turn a full disk, or a folder that is gone, into a sentence with a remedy."""
    try:
        yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise GeotoolError(f"The disk of {target} is full.", f"Free some space. {_REMEDY}") from error
        reason = f"{error.strerror or error}: {error.filename or target}"
        raise GeotoolError(f"{target} cannot be written ({reason}).", _REMEDY) from error
