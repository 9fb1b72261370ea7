"""The journal of a store that is being written: one line per block with its rows and failures.

A line counts when it is whole and its checksum fits, over its own text and the features of its rows.
Features are on the disk before their line is, so that a kill costs no more than the block it interrupts.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from geotool.core.durable import write_at
from geotool.features.blocks import Block


class StoredRow(NamedTuple):
    """One photo of a store, without its features."""

    id: str
    path: str
    author: str | None
    sha256: str
    lat: float
    lon: float


class StoredFailure(NamedTuple):
    """One photo that has no row, and why."""

    path: str
    stage: str
    reason: str


@dataclass(frozen=True, slots=True)
class Entry:
    """What the journal says of one block."""

    rows: list[StoredRow]
    failures: list[StoredFailure]

    def to_line(self, features: bytes) -> bytes:
        text = json.dumps([self.rows, self.failures], separators=(",", ":")).encode()
        return b"%08x %s\n" % (_checksum(text, features), text)


def to_entry(block: Block) -> Entry:
    """A block without its features."""
    columns = (block.ids, block.paths, block.authors, block.sha256s, block.latlon_deg.tolist())
    rows = [
        StoredRow(to_text(id), to_text(path), None if author is None else to_text(author), sha256, *place)
        for id, path, author, sha256, place in zip(*columns, strict=True)
    ]
    failures = [StoredFailure(to_text(f.path), f.stage, to_text(f.message)) for f in block.failures]
    return Entry(rows, failures)


def to_text(name: str) -> str:
    """A name that can be stored; file names may hold bytes that are no text."""
    return name.encode("utf-8", "backslashreplace").decode()


class Line(NamedTuple):
    """A line of the journal whose text can be read; whether its features are there is to be checked."""

    entry: Entry
    size_bytes: int
    text: bytes
    checksum: int

    def is_of(self, features: bytes) -> bool:
        return self.checksum == _checksum(self.text, features)


class Journal:
    """Appends lines behind those that count: what a failed write left there is written over."""

    def __init__(self, path: Path) -> None:
        self._path, self._size_bytes = path, 0

    def append(self, line: bytes) -> None:
        """Add a line; it counts, and is on the disk, when this returns."""
        write_at(self._path, self._size_bytes, line)
        self._size_bytes += len(line)

    def count(self, line: Line) -> None:
        """Let the next line of `read` count."""
        self._size_bytes += line.size_bytes

    def read(self) -> Iterator[Line]:
        """All lines, up to the first one that is damaged or torn off."""
        if not self._path.exists():
            return
        with open(self._path, "rb") as file:
            for text in file:
                line = _parse(text)
                if line is None:
                    return
                yield line

    def entries(self) -> Iterator[Entry]:
        """What the lines that count say."""
        left = self._size_bytes
        for line in self.read():
            if left < line.size_bytes:
                return
            left -= line.size_bytes
            yield line.entry


def _parse(line: bytes) -> Line | None:
    checksum, _, text = line.removesuffix(b"\n").partition(b" ")
    try:
        rows, failures = json.loads(text)
        entry = Entry([StoredRow(*row) for row in rows], [StoredFailure(*failure) for failure in failures])
        return Line(entry, len(line), text, int(checksum, 16)) if line.endswith(b"\n") else None
    except (ValueError, TypeError):
        return None


def _checksum(text: bytes, features: bytes) -> int:
    return zlib.crc32(features, zlib.crc32(text))
