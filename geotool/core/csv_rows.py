"""Rows of a CSV table with coordinates, as people save them: any delimiter, decimal commas, odd headers."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from geotool.core.coordinates import LAT_COLUMNS, LON_COLUMNS
from geotool.core.errors import BadImageError, UsageError
from geotool.core.geo import LatLon

# What a column is called, in any case; the key is the name geotool writes.
PHOTO_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "IMG_ID": ("img_id", "file", "filename", "image", "id"),
    "LAT": LAT_COLUMNS,
    "LON": LON_COLUMNS,
}


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One line below the header: its number, the text of the columns asked for, and what parts them."""

    line: int
    values: Mapping[str, str]
    delimiter: str

    def number(self, name: str) -> float:
        """A column as a number; tables that are not separated by commas may have decimal commas.

        Raises ValueError.
        """
        text = self.values[name]
        return float(text if self.delimiter == "," else text.replace(",", "."))

    def location(self) -> LatLon:
        """LAT and LON. Raises BadImageError for this row, UsageError where the columns are swapped."""
        try:
            lat, lon = self.number("LAT"), self.number("LON")
        except ValueError as error:
            remedy = "Fill in LAT and LON in degrees."
            raise BadImageError(f"Line {self.line} has no coordinates.", remedy) from error
        if 90 < abs(lat) <= 180 and abs(lon) <= 90:
            raise UsageError(
                f"LAT and LON look swapped: line {self.line} has LAT {lat:g} and LON {lon:g}.",
                "LAT is -90..90; rename the columns or correct that line.",
            )
        if not (abs(lat) <= 90 and abs(lon) <= 180):  # also where they are not a number
            raise BadImageError(
                f"Line {self.line} has impossible coordinates {lat:g}, {lon:g}.", "Correct them."
            )
        return LatLon(lat=lat, lon=lon)


def read_csv_rows(
    table: Path,
    columns: Mapping[str, tuple[str, ...]] = PHOTO_COLUMNS,
    optional: Mapping[str, tuple[str, ...]] | None = None,
) -> Iterator[CsvRow]:
    """The rows of a table that are not empty. An optional column that is missing is missing in `values`.

    Raises UsageError where the file is no table in UTF-8 or lacks a column.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            delimiter = max(",;\t", key=header.count)
            names = next(csv.reader([header], delimiter=delimiter), [])
            found = _find_columns(names, columns, optional or {}, table)
            reader = csv.reader(file, delimiter=delimiter)
            for values in reader:
                if any(value.strip() for value in values):
                    padded = values + [""] * (max(found.values()) + 1 - len(values))
                    texts = {name: padded[column].strip() for name, column in found.items()}
                    yield CsvRow(reader.line_num + 1, texts, delimiter)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table} cannot be read as a table.", "Save it as CSV in UTF-8.") from error


def _find_columns(
    header: list[str],
    columns: Mapping[str, tuple[str, ...]],
    optional: Mapping[str, tuple[str, ...]],
    table: Path,
) -> dict[str, int]:
    names = [name.strip().lower() for name in header]
    found = {}
    for name, wanted in {**columns, **optional}.items():
        match = next((names.index(word) for word in wanted if word in names), None)
        if match is not None:
            found[name] = match
        elif name in columns:
            remedy = f"Its first line has to name {', '.join(columns)}."
            raise UsageError(f"{table} has no column {name}.", remedy)
    return found
