"""A data set listed in a table: CSV, TSV or Parquet in the dialects of the field."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

from geotool.core.artifacts import file_sha256, fingerprint
from geotool.core.csv_rows import (
    AUTHOR_COLUMNS,
    PATH_COLUMNS,
    PHOTO_COLUMNS,
    AxisCheck,
    Columns,
    CsvRow,
    UnusableRow,
    read_csv_rows,
    to_location,
)
from geotool.core.errors import BadImageError
from geotool.photos.manifest_parquet import is_parquet, read_parquet_rows
from geotool.photos.manifest_rows import Manifest, Row, RowError, row_error
from geotool.photos.photo_finder import PhotoFinder
from geotool.photos.seen_names import SeenNames

TABLE_NAME, IMAGES_NAME = "metadata.csv", "images"
OPTIONAL_COLUMNS: Columns = {**PATH_COLUMNS, **AUTHOR_COLUMNS}


class TableManifest(Manifest):
    """The rows of a table, in its order. The photos lie in images/ beside it, else with the table."""

    kind = "table"

    def __init__(self, table: Path) -> None:
        self.root = table.parent
        self._table = table

    @cached_property
    def fingerprint(self) -> str:
        return fingerprint([self.kind, file_sha256(self._table)])

    def rows(self) -> Iterator[Row | RowError]:
        check_axes(self._table)
        return self._rows()

    def _rows(self) -> Iterator[Row | RowError]:
        images = self.root / IMAGES_NAME
        finder = PhotoFinder(images, deep=True) if images.is_dir() else PhotoFinder(self.root, deep=False)
        seen = SeenNames()
        for row in read_table(self._table, PHOTO_COLUMNS, OPTIONAL_COLUMNS):
            try:
                yield self._to_row(row, finder, seen)
            except BadImageError as error:
                yield row_error(row.values["IMG_ID"] or row.place, error)

    def _to_row(self, row: CsvRow, finder: PhotoFinder, seen: SeenNames) -> Row:
        photo_id, place = row.values["IMG_ID"], row.place.capitalize()
        if not photo_id:
            raise UnusableRow("no name", f"{place} names no photo.", "Fill in IMG_ID.")
        location = to_location(*row.lat_lon(), place)
        path = finder.find(row.values.get("PATH") or photo_id)
        new = seen.add(f"file {path}")
        if "PATH" in row.values:  # else equal ids are the same file
            new = seen.add(f"id {photo_id}") and new
        if not new:
            raise UnusableRow("listed twice", f"{photo_id} is listed twice.", f"Remove {row.place}.")
        author = row.values.get("AUTHOR") or None
        return Row(id=photo_id, path=path, location=location, author=author, root=self.root)


def read_table(table: Path, columns: Columns, optional: Columns) -> Iterator[CsvRow]:
    """The rows of a CSV, TSV or Parquet file, told apart by content. Raises UsageError."""
    read = read_parquet_rows if is_parquet(table) else read_csv_rows
    return read(table, columns, optional)


def check_axes(table: Path) -> None:
    """Read a whole table before its first row is used. Raises UsageError for LAT and LON swapped, and
    for a table without the columns or that cannot be read."""
    axes = AxisCheck()
    for row in read_table(table, PHOTO_COLUMNS, {}):
        try:
            axes.add(row.place, *row.lat_lon())
        except UnusableRow:
            continue  # reported in its place, when the rows are used
    axes.refuse_swapped()
