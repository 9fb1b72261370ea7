"""A photo's file: opened so that nothing in its place, and nothing inside it, can hold us up."""

from __future__ import annotations

import hashlib
import io
import math
import os
import stat
import time
from io import BufferedReader
from pathlib import Path

from geotool.core.errors import BadImageError, NotFoundError
from geotool.photos.formats import ACCEPTED, MAX_FILE_MB, failure

# Pillow walks through a file's blocks in Python: 190 MB of empty ones keep it busy for minutes.
MAX_READ_S = 12


class TimedFile(io.FileIO):
    """A file that cannot be read any more after its deadline (monotonic clock, seconds)."""

    deadline_s = math.inf

    def readinto(self, buffer: object) -> int | None:
        if time.monotonic() > self.deadline_s:
            raise TimeoutError
        return super().readinto(buffer)  # type: ignore[arg-type]


class TimedBytes(io.RawIOBase):
    """Bytes in memory as a file with the same deadline."""

    deadline_s = math.inf

    def __init__(self, data: bytes) -> None:
        self._data = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        return self._data.seek(offset, whence)

    def readinto(self, buffer: object) -> int | None:
        if time.monotonic() > self.deadline_s:
            raise TimeoutError
        return self._data.readinto(buffer)  # type: ignore[arg-type]


def shown_name(path: str | Path) -> str:
    """The file's name for a message: printable whatever its bytes are, and without its folders."""
    name = os.fsencode(Path(path).name or path).decode("utf-8", "replace")
    clean = "".join(c if c.isprintable() else "�" for c in name)
    return clean if len(clean) <= 80 else f"{clean[:60]}...{clean[-15:]}"


def open_file(path: Path, max_mb: float = MAX_FILE_MB) -> BufferedReader:
    """Open a regular file of bearable size. Raises NotFoundError or BadImageError, and never hangs."""
    name = shown_name(path)
    try:
        found = path.stat()
        _check_kind(found, name)
        _check_bytes(found.st_size, name, max_mb)
        return BufferedReader(TimedFile(path, opener=_open_without_waiting))
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte
        raise NotFoundError(f"There is no file {name}.", "Check the path.") from error
    except PermissionError as error:
        raise BadImageError(f"{name} may not be read.", "Change its permissions.") from error
    except OSError as error:
        raise BadImageError(f"{name} cannot be opened: {error.strerror}.", "Check the path.") from error


def open_bytes(data: bytes, name: str) -> BufferedReader:
    """A photo's bytes as open_file gives its file. Raises BadImageError for a size outside the limits."""
    _check_bytes(len(data), shown_name(name))
    return BufferedReader(TimedBytes(data))


def read_bytes(path: Path) -> bytes:
    """A photo's file as it is. Raises as open_file does."""
    with open_file(path) as file:
        return _read(file, -1, shown_name(path))


def read_part(path: Path, offset: int, size: int, name: str) -> bytes:
    """`size` bytes of a file of any size; `name` is what to call them in a message.

    Raises NotFoundError, or BadImageError for a size outside the limits and where the file ends before.
    """
    name = shown_name(name)
    _check_bytes(size, name)
    with open_file(path, math.inf) as file:
        file.seek(offset)
        data = _read(file, size, name)
    if len(data) != size:
        raise failure(name)
    return data


def hash_file(file: BufferedReader, name: str) -> str:
    """Hex sha256 of the file, left at its beginning. From here on the time to read it is limited."""
    try:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    except OSError as error:
        raise failure(name, error) from error
    start_clock(file)
    return digest


def start_clock(file: BufferedReader) -> None:
    """Give whoever reads the file from now on MAX_READ_S seconds."""
    if isinstance(file.raw, TimedFile | TimedBytes):
        file.raw.deadline_s = time.monotonic() + MAX_READ_S


def _read(file: BufferedReader, size: int, name: str) -> bytes:
    try:
        return file.read(size)
    except OSError as error:
        raise failure(name, error) from error


def _open_without_waiting(path: str, flags: int) -> int:
    """Without O_NONBLOCK, opening a named pipe waits until somebody writes into it."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))


def _check_kind(found: os.stat_result, name: str) -> None:
    if stat.S_ISDIR(found.st_mode):
        raise BadImageError(f"{name} is a folder.", "Name the photos in it.")
    if not stat.S_ISREG(found.st_mode):
        raise BadImageError(f"{name} is a device or pipe, not a file.", ACCEPTED)


def _check_bytes(size: int, name: str, max_mb: float = MAX_FILE_MB) -> None:
    if size == 0:
        raise BadImageError(f"{name} is empty.", "Copy it again from where it came from.")
    if size > max_mb * 1_000_000:
        raise BadImageError(f"{name} has {size / 1e6:.0f} MB.", f"The limit is {max_mb} MB: make it smaller.")
