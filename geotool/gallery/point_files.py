"""Files with points: which format they are of is told by their content, for names lie."""

from __future__ import annotations

import csv
import gzip
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO, cast

import numpy as np

from geotool.core.errors import EmptyResultError, NotFoundError, UsageError
from geotool.gallery.point_geojson import is_geojson, read_geojson
from geotool.gallery.point_rows import RawRows, to_columns
from geotool.gallery.point_tables import UTF16_MARKS, read_parquet, read_table

FORMATS = "Give CSV with columns lat and lon, a GeoNames dump, Parquet, GeoJSON or .npy of shape (N, 2)."
OSM_REMEDY = "Turn it into GeoJSON first: osmium export --geometry-types=point -f geojsonseq."
_HEAD = 65_536  # bytes that tell the format
# What readers raise; RuntimeError is an archive with a password, EOFError one that was cut off.
_UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, csv.Error, zlib.error, zipfile.BadZipFile)


def read_rows(path: Path, chunk: int) -> Iterator[RawRows]:
    """The rows of a file, `chunk` at a time. Raises NotFoundError, UsageError, EmptyResultError (empty)."""
    check_file(path)
    try:
        yield from _read_any(path, chunk)
    except _UNREADABLE as error:
        raise UsageError(f"{path} cannot be read: {error}.", FORMATS) from error


def check_file(path: Path) -> None:
    """Raise NotFoundError, or UsageError for a folder and the like."""
    if not path.exists():
        raise NotFoundError(f"There is no file {path}.", FORMATS)
    if not path.is_file():
        raise UsageError(f"{path} is no file.", FORMATS)


def _read_any(path: Path, chunk: int) -> Iterator[RawRows]:
    with _open(path) as file:
        head = file.read(_HEAD)
    if not head.strip():
        raise EmptyResultError(f"{path} is empty.", FORMATS)
    if head.startswith(b"PAR1"):
        yield from read_parquet(path, chunk)
    elif head.startswith(b"\x93NUMPY"):
        yield from _read_npy(path, chunk)
    else:
        _refuse_binary(path, head)
        read = read_geojson if is_geojson(head) else read_table
        with _open(path) as file:
            yield from to_columns(read(file, head, path), chunk)


def _open(path: Path) -> IO[bytes]:
    """A file as bytes, unpacked if it is .gz or .zip (of which the largest file is taken)."""
    with open(path, "rb") as file:
        mark = file.read(4)
    if mark.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.open(path))
    if mark == b"PK\x03\x04":
        with zipfile.ZipFile(path) as archive:  # stays open as long as the file in it
            return archive.open(max(archive.infolist(), key=lambda member: member.file_size))
    return open(path, "rb")


def _refuse_binary(path: Path, head: bytes) -> None:
    if b"OSMHeader" in head[:64]:
        raise UsageError(f"{path} is an OpenStreetMap extract in PBF.", OSM_REMEDY)
    if b"\0" in head and not head.startswith(UTF16_MARKS):
        raise UsageError(f"{path} is of no known format.", FORMATS)


def _read_npy(path: Path, chunk: int) -> Iterator[RawRows]:
    points = np.load(path, mmap_mode="r", allow_pickle=False)
    if points.ndim != 2 or points.shape[1] != 2 or points.dtype.kind not in "fiu":
        raise UsageError(f"{path} holds {points.dtype} of shape {points.shape}.", FORMATS)
    for start in range(0, len(points), chunk):
        part = np.array(points[start : start + chunk])
        yield RawRows(range(start + 1, start + 1 + len(part)), part[:, 0], part[:, 1])
