"""Photos of the same content, found without reading all bytes of all photos."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterator
from dataclasses import dataclass

from geotool.core.errors import BadImageError
from geotool.core.report import Report, stop_if_asked
from geotool.photos.files import read_part
from geotool.photos.manifest_rows import Manifest, Row

# From the middle of a photo: its beginning is the same for all of one camera.
_MIDDLE_BYTES = 4096
_SHOWN_PAIRS = 3
UNREADABLE = 0  # the quick key of a photo that has none


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicates:
    """`repeats` photos have the content of one before them; the first of them with that one, as shown."""

    repeats: int
    pairs: tuple[tuple[str, str], ...]


def quick_key(row: Row) -> int:
    """64 bits of a photo's size and of 4 KB from its middle. Photos that differ in it differ.

    Raises BadImageError or NotFoundError where it cannot be read.
    """
    size = row.size
    count = min(size, _MIDDLE_BYTES)
    start = (row.member.offset if row.member else 0) + (size - count) // 2
    return _hash64(size.to_bytes(8, "little") + read_part(row.path, start, count, row.shown))


def find_duplicates(manifest: Manifest, keys: array[int], report: Report) -> Duplicates:
    """Compare the whole content of those whose quick keys are equal.

    `keys` (N,) holds the quick key of each row that the manifest gives, 0 for one that cannot be read.
    Raises StoppedError.
    """
    first: dict[int, str] = {}
    repeats, pairs = 0, list[tuple[str, str]]()
    for row in _candidates(manifest, keys, report):
        try:
            original = first.setdefault(_hash64(row.read_bytes()), row.shown)
        except BadImageError:
            continue  # counted where the photo is read for good
        if original != row.shown:
            repeats += 1
            pairs += [(row.shown, original)] if len(pairs) < _SHOWN_PAIRS else []
    return Duplicates(repeats=repeats, pairs=tuple(pairs))


def _candidates(manifest: Manifest, keys: array[int], report: Report) -> Iterator[Row]:
    import numpy as np

    found = np.asarray(keys)  # (N,)
    values, counts = np.unique(found, return_counts=True)
    alike = np.isin(found, values[(counts > 1) & (values != UNREADABLE)])
    total, done = int(alike.sum()), 0
    rows = (row for row in manifest.rows() if isinstance(row, Row)) if total else iter(())
    for row, is_alike in zip(rows, alike, strict=False):
        if is_alike:
            stop_if_asked(report)
            yield row
            done += 1
            report.progress(done, total, unit="photos")


def _hash64(data: bytes) -> int:
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little") or 1
