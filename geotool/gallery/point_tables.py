"""Tables with points: CSV and the like with a header, GeoNames dumps, Parquet."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

from geotool.core.coordinates import LAT_COLUMNS, LON_COLUMNS
from geotool.core.errors import UsageError
from geotool.gallery.point_rows import RawRow, RawRows

UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # as spreadsheets save "Unicode text"
# A GeoNames dump has no header; these of its columns are latitude and longitude.
_GEONAMES_COLUMNS, _GEONAMES_LAT, _GEONAMES_LON = 19, 4, 5


def read_table(file: IO[bytes], head: bytes, path: Path) -> Iterator[RawRow]:
    """Rows of a text table; `head` is its beginning. Raises UsageError for one without lat and lon.

    Bytes that are no text are let through: they stand in names, not in numbers.
    """
    encoding = "utf-16" if head.startswith(UTF16_MARKS) else "utf-8-sig"
    first = re.split(r"[\r\n]", head.decode(encoding, errors="replace"), maxsplit=1)[0]
    text = io.TextIOWrapper(file, encoding, errors="replace", newline="")
    if _is_geonames(first.split("\t")):
        reader = csv.reader(text, delimiter="\t", quoting=csv.QUOTE_NONE)
        yield from _read_lines(reader, _GEONAMES_LAT, _GEONAMES_LON)
        return
    delimiter = max(",;\t|", key=first.count)
    # strict: else a quote that is never closed would swallow the lines after it without a word
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    lat, lon = _find_columns(next(reader, []), path)
    for row in _read_lines(reader, lat, lon):
        yield row if delimiter == "," else _with_decimal_points(row)


def read_parquet(path: Path, chunk: int) -> Iterator[RawRows]:
    """Rows of the columns lat and lon; the other columns are not read. Raises UsageError."""
    import pyarrow
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(path)
        names = file.schema_arrow.names
        columns = [names[i] for i in _find_columns(names, path)]
        number = 1
        for batch in file.iter_batches(chunk, columns=columns):
            lat, lon = (batch.column(name).to_numpy(zero_copy_only=False) for name in columns)
            yield RawRows(range(number, number + len(batch)), lat, lon)
            number += len(batch)
    except pyarrow.ArrowException as error:
        raise UsageError(f"{path} cannot be read as Parquet: {error}.", "Write it anew.") from error


def _find_columns(names: Iterable[str], path: Path) -> tuple[int, int]:
    """Where lat and lon stand among the names of a table's columns."""
    found = [name.strip().lower() for name in names]
    places = []
    for wanted in (LAT_COLUMNS, LON_COLUMNS):
        places.append(next((found.index(name) for name in wanted if name in found), -1))
        if places[-1] == -1:
            raise UsageError(
                f"{path} has no column {' or '.join(wanted)}; it has: {', '.join(found)[:80]}.",
                "Its first line has to name the columns, lat and lon among them.",
            )
    return places[0], places[1]


def _is_geonames(values: list[str]) -> bool:
    if len(values) != _GEONAMES_COLUMNS:
        return False
    return all(re.fullmatch(r"-?\d+(\.\d+)?", values[i]) for i in (_GEONAMES_LAT, _GEONAMES_LON))


def _read_lines(reader: Any, lat_column: int, lon_column: int) -> Iterator[RawRow]:
    """The rest of a csv.reader, numbered by the line a row starts on; blank lines are no rows."""
    while True:
        number = reader.line_num + 1
        try:
            values = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            fault = f"lines {number} to {reader.line_num} are no row ({error})"
            yield RawRow(number, None, None, "", fault)
            continue
        if any(map(str.strip, values)):
            lat, lon = (values[i] if i < len(values) else "" for i in (lat_column, lon_column))
            yield RawRow(number, lat, lon, values)


def _with_decimal_points(row: RawRow) -> RawRow:
    """Tables that are not separated by commas may have decimal commas."""
    if row.fault:
        return row
    return row._replace(lat=row.lat.replace(",", "."), lon=row.lon.replace(",", "."))
