"""Data sets: photos with their true coordinates, listed in a table or found in a folder.

The ordinary form is DIR/images/* with DIR/metadata.csv (columns IMG_ID, LAT, LON). A table anywhere
and a plain folder of photos with EXIF positions are read too.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath

from geotool.core.csv_rows import read_csv_rows
from geotool.core.errors import BadImageError, GeotoolError, NotFoundError
from geotool.core.geo import LatLon
from geotool.core.records import ItemError
from geotool.photos.folders import SUFFIXES, list_photos

TABLE_NAME, IMAGES_NAME = "metadata.csv", "images"


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

    for path in list_photos(folder):
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
    for row in read_csv_rows(table):
        name = row.values["IMG_ID"]
        try:
            location = row.location()
            photo = finder.find(name)
            if photo in seen:
                raise BadImageError(f"{name} is listed twice.", f"Remove line {row.line}.")
        except BadImageError as error:
            yield _item_error(name or f"line {row.line}", error)
        else:
            seen.add(photo)
            yield Row(id=name, path=photo, location=location)


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
