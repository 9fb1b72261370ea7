"""Looks through a data set before anything is computed of it."""

from __future__ import annotations

import random
import time
from array import array

from geotool.core.errors import BadImageError, NotFoundError
from geotool.core.report import Report, stop_if_asked
from geotool.photos.duplicates import UNREADABLE, find_duplicates, quick_key
from geotool.photos.manifest_rows import Manifest, Row, RowError, row_error
from geotool.photos.read import read_photo_bytes
from geotool.photos.survey import EXAMPLES, Fault, SampleResult, Survey

SAMPLE_PHOTOS = 100
SAMPLE_SEED = 0
_PROGRESS_ROWS = 256


def survey(manifest: Manifest, report: Report, sample: int = SAMPLE_PHOTOS) -> Survey:
    """Go through a data set once, decode `sample` photos of it, and compare what may be the same.

    Every photo costs one read of 4 KB; photos of equal size and middle are read whole. Raises
    UsageError for swapped coordinates, StoppedError.
    """
    report.event("looking through the data set", kind=manifest.kind)
    tally = _Tally(sample)
    for number, entry in enumerate(manifest.rows(), start=1):
        stop_if_asked(report)
        tally.add(entry)
        if number % _PROGRESS_ROWS == 0:
            report.progress(number, None, number - tally.photos, "photos")
    report.event("comparing photos of equal size and middle")
    return Survey(
        kind=manifest.kind,
        fingerprint=manifest.fingerprint,
        photos=tally.photos,
        size=tally.size,
        faults=tally.to_faults(),
        sample=_decode(tally.drawn, report),
        duplicates=find_duplicates(manifest, tally.keys, report),
    )


class _Tally:
    """What is counted on the way; memory grows by eight bytes per photo."""

    def __init__(self, sample: int) -> None:
        self.photos = self.size = 0
        self.keys = array("Q")  # (N,) one per row, 0 for those that cannot be read
        self.drawn: list[Row] = []
        self._sample = sample
        self._random = random.Random(SAMPLE_SEED)
        self._counts: dict[str, int] = {}
        self._examples: dict[str, list[RowError]] = {}

    def add(self, entry: Row | RowError) -> None:
        if isinstance(entry, RowError):
            self._add_fault(entry)
            return
        try:
            self.keys.append(quick_key(entry))
        except (BadImageError, NotFoundError) as error:
            self.keys.append(UNREADABLE)
            self._add_fault(row_error(entry.shown, error))
        else:
            self.photos += 1
            self.size += entry.size
            self._draw(entry)

    def to_faults(self) -> tuple[Fault, ...]:
        """The most frequent first."""
        reasons = sorted(self._counts, key=lambda reason: -self._counts[reason])
        return tuple(
            Fault(reason=reason, count=self._counts[reason], examples=tuple(self._examples[reason]))
            for reason in reasons
        )

    def _add_fault(self, error: RowError) -> None:
        self._counts[error.reason] = self._counts.get(error.reason, 0) + 1
        examples = self._examples.setdefault(error.reason, [])
        examples += [error] if len(examples) < EXAMPLES else []

    def _draw(self, row: Row) -> None:
        """Keep each photo seen so far with equal chance (reservoir sampling, Vitter's algorithm R)."""
        if len(self.drawn) < self._sample:
            self.drawn.append(row)
        elif (place := self._random.randrange(self.photos)) < self._sample:
            self.drawn[place] = row


def _decode(rows: list[Row], report: Report) -> SampleResult:
    failures, seconds = [], 0.0
    for done, row in enumerate(rows, start=1):
        stop_if_asked(report)
        begin = time.perf_counter()
        try:
            read_photo_bytes(row.read_bytes(), row.shown)
        except BadImageError as error:
            failures.append(row_error(row.shown, error))
        seconds += time.perf_counter() - begin
        report.progress(done, len(rows), len(failures), "photos")
    return SampleResult(seed=SAMPLE_SEED, drawn=len(rows), failures=tuple(failures), seconds=seconds)
