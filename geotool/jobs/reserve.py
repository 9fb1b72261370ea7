"""A little room set aside on the disk, so that a job that fills it can still be written down as failed."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
_SIZE_BYTES = 512 * 1024


class Reserve:
    """A file of no use but to be removed when there is no room left."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "reserve"

    def fill(self) -> None:
        """Set the room aside, if there is room."""
        with contextlib.suppress(OSError):
            if not self.file.exists() or self.file.stat().st_size < _SIZE_BYTES:
                self.file.write_bytes(os.urandom(_SIZE_BYTES))  # zeros may take no room on some disks

    def spend_on(self, write: Callable[[], T]) -> T:
        """What `write` gives; where it fails, once more with the room given back."""
        try:
            return write()
        except (OSError, sqlite3.OperationalError):
            self.file.unlink(missing_ok=True)
            return write()
