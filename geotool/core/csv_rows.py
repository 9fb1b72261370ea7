"""Rows of a table with coordinates, as people save them: any delimiter, decimal commas, odd headers."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from geotool.core.coordinates import LAT_COLUMNS, LON_COLUMNS
from geotool.core.errors import BadImageError, UsageError
from geotool.core.geo import LatLon

Columns = Mapping[str, tuple[str, ...]]

# What a column is called, in any case, the likeliest first; the key is the name geotool writes.
LOCATION_COLUMNS: Columns = {"LAT": LAT_COLUMNS, "LON": LON_COLUMNS}
PHOTO_COLUMNS: Columns = {
    "IMG_ID": ("img_id", "id", "image_id", "image", "img_file", "filename", "file_name", "file"),
    **LOCATION_COLUMNS,
}
# A table may have them. PATH: the photo's file, where IMG_ID is no name of one.
AUTHOR_COLUMNS: Columns = {
    "AUTHOR": ("author", "author_id", "user_id", "userid", "creator_id", "creator_username")
}
PATH_COLUMNS: Columns = {
    "PATH": (
        *("img_path", "image_path", "path", "filepath", "file_path"),
        *("img_file", "filename", "file_name", "file", "image"),
    )
}


class UnusableRow(BadImageError):
    """One entry of a list of photos cannot be used; `reason` names the kind of fault, for counting."""

    def __init__(self, reason: str, message: str, hint: str = "") -> None:
        super().__init__(message, hint)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class CsvRow:
    """One row below the header: its number, the text of the columns asked for, and what parts them."""

    line: int
    values: Mapping[str, str]
    delimiter: str = ","
    unit: str = "line"  # what `line` counts

    @property
    def place(self) -> str:
        """Where the row stands, for the middle of a sentence: "line 17"."""
        return f"{self.unit} {self.line}"

    def number(self, name: str) -> float:
        """A column as a number; tables that are not separated by commas may have decimal commas.

        Raises ValueError.
        """
        text = self.values[name]
        return float(text if self.delimiter == "," else text.replace(",", "."))

    def lat_lon(self) -> tuple[float, float]:
        """LAT and LON as they stand there, possible or not. Raises UnusableRow unless both are numbers."""
        try:
            return self.number("LAT"), self.number("LON")
        except ValueError as error:
            raise UnusableRow(
                "without coordinates",
                f"{self.place.capitalize()} has no coordinates.",
                "Fill in LAT and LON in degrees.",
            ) from error

    def location(self) -> LatLon:
        """LAT and LON. Raises UnusableRow for this row, UsageError where the columns are swapped."""
        lat, lon = self.lat_lon()
        if fits_swapped(lat, lon):
            raise swapped_error(self.place, lat, lon)
        return to_location(lat, lon, self.place.capitalize())


class AxisCheck:
    """Finds out over a whole table whether its latitudes and longitudes are in each other's place.

    One latitude beyond the poles is a slip of one row. It is the columns if more rows make sense only
    the other way round than make sense only as they are.
    """

    def __init__(self) -> None:
        self._as_written = self._swapped = 0
        self._first: tuple[str, float, float] | None = None

    def add(self, place: str, lat: float, lon: float) -> None:
        """Count a row; `place` says for the middle of a sentence where it stands."""
        if fits_swapped(lat, lon):
            self._swapped += 1
            self._first = self._first or (place, lat, lon)
        elif abs(lat) <= 90 < abs(lon) <= 180:
            self._as_written += 1

    def refuse_swapped(self, surplus: int = 1) -> None:
        """Raise UsageError if at least `surplus` more rows speak for swapped columns than against them."""
        if self._first and self._swapped - self._as_written >= surplus:
            raise swapped_error(*self._first)


def fits_swapped(lat: float, lon: float) -> bool:
    """Whether the two are a place only if they change places."""
    return 90 < abs(lat) <= 180 and abs(lon) <= 90


def swapped_error(place: str, lat: float, lon: float) -> UsageError:
    """The refusal of a table whose columns are in each other's place."""
    return UsageError(
        f"LAT and LON look swapped: {place} has LAT {lat:g} and LON {lon:g}.",
        "LAT is -90..90; rename the columns or correct that row.",
    )


def to_location(lat: float, lon: float, place: str) -> LatLon:
    """The point, if it is one. `place` begins a sentence. Raises UnusableRow, also for not-a-number."""
    if not (abs(lat) <= 90 and abs(lon) <= 180):
        message = f"{place} has impossible coordinates {lat:g}, {lon:g}."
        raise UnusableRow("impossible coordinates", message, "Correct them: LAT -90..90, LON -180..180.")
    return LatLon(lat=lat, lon=lon)


def read_csv_rows(
    table: Path, columns: Columns = PHOTO_COLUMNS, optional: Columns | None = None
) -> Iterator[CsvRow]:
    """The rows of a table that are not empty. An optional column that is missing is missing in `values`.

    Raises UsageError where the file is no table in UTF-8 or lacks a column.
    """
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            delimiter = max(",;\t", key=header.count)
            names = next(csv.reader([header], delimiter=delimiter), [])
            found = find_columns(names, columns, optional or {}, table)
            reader = csv.reader(file, delimiter=delimiter)
            width = max(found.values()) + 1
            for values in reader:
                if any(value.strip() for value in values):
                    padded = values + [""] * (width - len(values))
                    texts = {name: padded[column].strip() for name, column in found.items()}
                    yield CsvRow(reader.line_num + 1, texts, delimiter)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table} cannot be read as a table.", "Save it as CSV in UTF-8.") from error


def find_columns(header: Sequence[str], columns: Columns, optional: Columns, table: Path) -> dict[str, int]:
    """Where each column stands; no column is taken twice. Raises UsageError where one of `columns` lacks."""
    names = [name.strip().lower() for name in header]
    found: dict[str, int] = {}
    for name, words in {**columns, **optional}.items():
        places = (names.index(word) for word in words if word in names)
        match = next((place for place in places if place not in found.values()), None)
        if match is not None:
            found[name] = match
        elif name in columns:
            remedy = f"Its first line has to name {', '.join(columns)}."
            raise UsageError(f"{table} has no column {name}.", remedy)
    return found
