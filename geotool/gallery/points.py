"""The user's own points, read as a stream of checked chunks: what is no point is listed, never dropped."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from geotool.core.errors import EmptyResultError, UsageError
from geotool.gallery.point_files import read_rows
from geotool.gallery.point_rows import RawRows

CHUNK = 16_384  # rows held at a time
_FEW_ROWS = 20  # below, one typing mistake is a large share of the rows


class RejectedRow(NamedTuple):
    """A row that is no point. `row` is the line of a text file; elsewhere rows and features count from 1."""

    row: int
    text: str
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PointChunk:
    """Some rows of a file: (n, 2) float64 lat, lon in degrees of the points, and the rows that are none."""

    latlon_deg: np.ndarray
    rejected: list[RejectedRow]


def read_points(path: Path, chunk: int = CHUNK) -> Iterator[PointChunk]:
    """Read a file of points, `chunk` rows at a time.

    The format is told by the content: a table with columns lat and lon (CSV, TSV), a GeoNames dump,
    GeoJSON (a FeatureCollection, or one feature per line), all three also as .gz or .zip; Parquet with
    such columns; .npy of shape (N, 2). Raises NotFoundError, UsageError for a file that is none of
    these or has lat and lon in each other's place, EmptyResultError where no row is a point.
    """
    check = _Check(path)
    for rows in read_rows(path, chunk):
        yield check.split(rows)
    check.refuse_nothing()


class _Check:
    """Tells points from rows that are none, and remembers what all the rows together look like."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows = self._points = self._swapped = self._straight = 0
        self._first: RejectedRow | None = None

    def split(self, rows: RawRows) -> PointChunk:
        """The points of some rows, and the rest with reasons. Raises UsageError for swapped columns."""
        latlon_deg = np.stack([_to_degrees(rows.lat), _to_degrees(rows.lon)], axis=1)  # (n, 2)
        lat, lon = abs(latlon_deg).T
        valid = (lat <= 90) & (lon <= 180)  # False for NaN
        rejected = [_reject(rows, i) for i in np.flatnonzero(~valid).tolist()]
        self._rows, self._points = self._rows + len(valid), self._points + int(valid.sum())
        self._first = self._first or next(iter(rejected), None)
        self._refuse_swapped(rows, lat, lon)
        return PointChunk(latlon_deg=latlon_deg[valid], rejected=rejected)

    def refuse_nothing(self) -> None:
        """Raise EmptyResultError if the whole file had no point."""
        if self._first and not self._points:
            row, _, reason = self._first
            raise EmptyResultError(f"No row of {self._path} is a point; row {row}: {reason}.")
        if not self._rows:
            raise EmptyResultError(f"{self._path} lists no points.", "Give at least one coordinate.")

    def _refuse_swapped(self, rows: RawRows, lat: np.ndarray, lon: np.ndarray) -> None:
        """Longitudes beyond 90 stand in the column of the one kind: if it is the wrong one, say so."""
        swapped = (lat > 90) & (lat <= 180) & (lon <= 90)
        self._swapped += int(swapped.sum())
        self._straight += int(((lat <= 90) & (lon > 90) & (lon <= 180)).sum())
        share = 0.5 if self._rows < _FEW_ROWS else 0.1
        if swapped.any() and self._swapped > max(self._straight, share * self._rows):
            i = int(swapped.argmax())
            raise UsageError(
                f"Latitude and longitude look swapped in {self._path}: "
                f"row {rows.numbers[i]} has latitude {rows.lat[i]} and longitude {rows.lon[i]}.",
                "Latitude is -90..90: exchange the two (GeoJSON has longitude first, .npy latitude).",
            )


def _to_degrees(values: Sequence[Any] | np.ndarray) -> np.ndarray:
    """(n,) float64; NaN for what is no number."""
    if isinstance(values, np.ndarray) and values.dtype.kind in "fiu":
        return values.astype(np.float64)
    return np.array([_to_float(value) for value in values], dtype=np.float64)


def _to_float(value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        return float("nan")


def _reject(rows: RawRows, i: int) -> RejectedRow:
    lat, lon = rows.lat[i], rows.lon[i]
    reason = rows.fault(i) or _reason("latitude", lat, 90) or _reason("longitude", lon, 180)
    return RejectedRow(int(rows.numbers[i]), rows.text(i), reason)


def _reason(name: str, value: Any, limit: int) -> str:
    """Why a value is no latitude or longitude; nothing if it is one."""
    if value is None or not str(value).strip():
        return f"it has no {name}"
    degrees = _to_float(value)
    if np.isnan(degrees):
        return f"its {name} {str(value).strip()[:40]!r} is no number"
    return "" if abs(degrees) <= limit else f"its {name} {degrees:g} is outside -{limit}..{limit}"
