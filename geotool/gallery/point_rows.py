"""Rows of a file with points, as they stand there: not converted, not checked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, NamedTuple

import numpy as np

_SHOWN = 200  # characters of a row that are kept to show


class RawRow(NamedTuple):
    """One row. `number` is its line in a text file, else its place from 1; `fault`: why it holds no point."""

    number: int
    lat: Any
    lon: Any
    source: Any  # what to show of it
    fault: str = ""


@dataclass(frozen=True, slots=True)
class RawRows:
    """Some rows, by column."""

    numbers: Sequence[int]
    lat: Sequence[Any] | np.ndarray
    lon: Sequence[Any] | np.ndarray
    sources: Sequence[Any] | None = None  # None: lat and lon are all there is
    faults: Sequence[str] | None = None

    def text(self, i: int) -> str:
        """Row i as people recognise it, on one line."""
        source = (self.lat[i], self.lon[i]) if self.sources is None else self.sources[i]
        shown = source if isinstance(source, str) else ", ".join(map(str, source))
        return " ".join(shown[:_SHOWN].split())

    def fault(self, i: int) -> str:
        return self.faults[i] if self.faults else ""


def to_columns(rows: Iterable[RawRow], chunk: int) -> Iterator[RawRows]:
    """Rows gathered `chunk` at a time."""
    rows = iter(rows)
    while batch := list(islice(rows, chunk)):
        yield RawRows(*zip(*batch, strict=True))
