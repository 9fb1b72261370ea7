"""What a manifest gives: one row per photo and its true coordinates, or the reason why there is none."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from geotool.core.csv_rows import UnusableRow
from geotool.core.errors import BadImageError, GeotoolError, NotFoundError
from geotool.core.geo import LatLon
from geotool.core.records import ItemError
from geotool.photos.files import read_bytes, read_part

Kind = Literal["folder", "table", "tars"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TarMember:
    """Where a photo's bytes lie in an uncompressed tar file."""

    name: str
    offset: int  # of its first byte in the tar file
    size: int  # bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One photo of a data set and where it was taken. `path` is its file, or the tar that holds it."""

    id: str
    path: Path
    location: LatLon
    author: str | None = None
    member: TarMember | None = None
    root: Path | None = field(default=None, compare=False, repr=False)  # of the data set

    @property
    def shown(self) -> str:
        """The photo as people find it: its path in the data set, "shard-0001.tar/ab.jpg" in a tar."""
        path = shown_path(self.path, self.root)
        return f"{path}/{self.member.name}" if self.member else path

    @property
    def size(self) -> int:
        """Bytes of the photo. Raises BadImageError where its file is gone."""
        if self.member:
            return self.member.size
        try:
            return self.path.stat().st_size
        except OSError as error:
            raise BadImageError(f"{self.shown} cannot be read.", "Put it back.") from error

    def read_bytes(self) -> bytes:
        """The photo as it is stored. Raises BadImageError: gone, no plain file, empty, cut off, too large."""
        try:
            if self.member:
                return read_part(self.path, self.member.offset, self.member.size, self.member.name)
            return read_bytes(self.path)
        except NotFoundError as error:
            raise BadImageError(error.message, error.hint) from error


@dataclass(frozen=True, slots=True, kw_only=True)
class RowError(ItemError):
    """One entry of a manifest that cannot be used. `reason` is the same for all of a kind."""

    reason: str


class Manifest(ABC):
    """The photos of a data set with their coordinates, read anew for every pass and never held in memory."""

    kind: Kind
    root: Path

    @property
    @abstractmethod
    def fingerprint(self) -> str:
        """16 hex digits over what lists the photos: bytes of a table, names and sizes of files."""

    @abstractmethod
    def rows(self) -> Iterator[Row | RowError]:
        """One entry per photo listed, always in the same order; an ItemError in the place of a bad one.

        Raises UsageError where latitude and longitude are in each other's place.
        """


def shown_path(path: Path, root: Path | None) -> str:
    """A path below the data set's folder, with "/" on every system; whole where it lies elsewhere."""
    inside = root is not None and path.is_relative_to(root)
    shown = path.relative_to(root) if inside and root is not None else path
    return printable(shown.as_posix())


def printable(name: str) -> str:
    """A file's name as text that can be stored, whatever its bytes are; different names stay different."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def row_error(path: str, error: GeotoolError) -> RowError:
    """A failure as the entry in a row's place."""
    reason = error.reason if isinstance(error, UnusableRow) else "unreadable file"
    return RowError(path=path, stage="read", message=str(error), exit_code=error.exit_code, reason=reason)
