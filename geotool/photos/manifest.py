"""Data sets: photos with their true coordinates, listed in a table or found in a folder.

The ordinary form is DIR/images/* with DIR/metadata.csv (columns IMG_ID, LAT, LON). A table anywhere
and a plain folder of photos with EXIF positions are read too.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from geotool.core.coordinates import LAT_COLUMNS, LON_COLUMNS
from geotool.core.errors import BadImageError, GeotoolError, NotFoundError, UsageError
from geotool.core.geo import LatLon
from geotool.core.records import ItemError

TABLE_NAME, IMAGES_NAME = "metadata.csv", "images"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp")
# Column names in any case; the first is the one geotool writes.
ID_COLUMNS = ("img_id", "file", "filename", "image", "id")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One photo of a data set and where it was taken."""

    id: str
    path: Path
    location: LatLon


def read_dataset(path: str | Path) -> list[Row | ItemError]:
    """The rows of a data set in their order; a row that cannot be used is an ItemError in its place.

    `path` is a folder with metadata.csv, a CSV file beside its photos (or their images/ folder), or
    a folder of photos whose EXIF says where they were taken. Raises NotFoundError, or UsageError for
    a table without the columns or with LAT and LON in each other's place.
    """
    path = Path(path)
    if path.is_file():
        return list(_read_table(path))
    if not path.is_dir():
        raise NotFoundError(f"There is no data set {path}.", "Name a folder or a CSV file.")
    if (path / TABLE_NAME).is_file():
        return list(_read_table(path / TABLE_NAME))
    return list(_read_folder(path))


def _read_folder(folder: Path) -> Iterator[Row | ItemError]:
    """Photos anywhere below `folder`, with the positions their cameras wrote."""
    from geotool.photos.read import read_exif_truth  # loads Pillow, which tables do not need

    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
    for path in paths:
        try:
            location = read_exif_truth(path)
            if location is None:
                raise BadImageError(f"{path.name} has no usable EXIF position.", f"List it in {TABLE_NAME}.")
        except GeotoolError as error:
            yield _item_error(path, error)
        else:
            yield Row(id=path.relative_to(folder).as_posix(), path=path, location=location)


def _read_table(table: Path) -> Iterator[Row | ItemError]:
    images = table.parent / IMAGES_NAME
    finder = PhotoFinder(images if images.is_dir() else table.parent)
    seen: set[Path] = set()
    for line, name, lat, lon in _lines(table):
        try:
            location = _location(lat, lon, line)
            photo = finder.find(name)
            if photo in seen:
                raise BadImageError(f"{name} is listed twice.", f"Remove line {line}.")
        except BadImageError as error:
            yield _item_error(name or f"line {line}", error)
        else:
            seen.add(photo)
            yield Row(id=name, path=photo, location=location)


def _lines(table: Path) -> Iterator[tuple[int, str, str, str]]:
    """(line number, id, lat, lon) as text for each line below the header."""
    try:
        with table.open(encoding="utf-8-sig", newline="") as file:
            header = file.readline()
            delimiter = max(",;\t", key=header.count)
            columns = _columns(next(csv.reader([header], delimiter=delimiter), []), table)
            reader = csv.reader(file, delimiter=delimiter)
            for values in reader:
                if any(value.strip() for value in values):
                    padded = values + [""] * (max(columns) + 1 - len(values))
                    name, lat, lon = (padded[column].strip() for column in columns)
                    yield reader.line_num + 1, name, _decimal(lat, delimiter), _decimal(lon, delimiter)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"{table} cannot be read as a table.", "Save it as CSV in UTF-8.") from error


def _columns(header: list[str], table: Path) -> list[int]:
    names = [name.strip().lower() for name in header]
    found = [
        next((names.index(w) for w in wanted if w in names), -1)
        for wanted in (ID_COLUMNS, LAT_COLUMNS, LON_COLUMNS)
    ]
    if -1 in found:
        missing = ("IMG_ID", "LAT", "LON")[found.index(-1)]
        raise UsageError(f"{table} has no column {missing}.", "Its first line has to name IMG_ID, LAT, LON.")
    return found


def _decimal(text: str, delimiter: str) -> str:
    """Tables that are not separated by commas may have decimal commas."""
    return text if delimiter == "," else text.replace(",", ".")


def _location(lat_text: str, lon_text: str, line: int) -> LatLon:
    """Raises BadImageError for this row, UsageError where the columns are swapped."""
    try:
        lat, lon = float(lat_text), float(lon_text)
    except ValueError as error:
        raise BadImageError(f"Line {line} has no coordinates.", "Fill in LAT and LON in degrees.") from error
    if 90 < abs(lat) <= 180 and abs(lon) <= 90:
        raise UsageError(
            f"LAT and LON look swapped: line {line} has LAT {lat:g} and LON {lon:g}.",
            "LAT is -90..90; rename the columns or correct that line.",
        )
    if not (abs(lat) <= 90 and abs(lon) <= 180):  # also where they are not a number
        raise BadImageError(f"Line {line} has impossible coordinates {lat:g}, {lon:g}.", "Correct them.")
    return LatLon(lat=lat, lon=lon)


class PhotoFinder:
    """Finds the photos of a table below one folder, with or without their file extension."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._stems: dict[Path, dict[str, list[Path]]] = {}

    def find(self, name: str) -> Path:
        """The file that `name` means. Raises BadImageError: none, several, or outside the folder."""
        if not name or "\0" in name:
            raise BadImageError("The row names no photo.", "Fill in IMG_ID.")
        posix, windows = PurePosixPath(name), PureWindowsPath(name)
        if posix.is_absolute() or windows.anchor or ".." in posix.parts or ".." in windows.parts:
            raise BadImageError(f"{name} leads out of the data set.", "Name photos inside it.")
        path = self._root / name
        if path.is_file():
            return path
        matches = self._with_stem(path.parent).get(path.name, [])
        if len(matches) != 1:
            amount = "more than one photo" if matches else "no photo"
            raise BadImageError(f"There is {amount} {name} in the data set.", "Correct IMG_ID or add it.")
        return matches[0]

    def _with_stem(self, folder: Path) -> dict[str, list[Path]]:
        """Photos of a folder by their name without extension; each folder is listed once."""
        if folder not in self._stems:
            stems: dict[str, list[Path]] = {}
            for path in folder.iterdir() if folder.is_dir() else ():
                if path.suffix.lower() in SUFFIXES:
                    stems.setdefault(path.stem, []).append(path)
            self._stems[folder] = stems
        return self._stems[folder]


def _item_error(path: str | Path, error: GeotoolError) -> ItemError:
    return ItemError(path=str(path), stage="read", message=str(error), exit_code=error.exit_code)
