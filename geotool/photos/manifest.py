"""Data sets: photos with their true coordinates, in a table, a folder or tar files, read as a stream.

The ordinary form is DIR/images/* with DIR/metadata.csv (columns IMG_ID, LAT, LON). docs/data.md shows
the others.
"""

from __future__ import annotations

from pathlib import Path

from geotool.core.errors import NotFoundError, UsageError
from geotool.core.records import ItemError
from geotool.photos.folders import is_photo, list_folder, walk_files
from geotool.photos.manifest_folders import COMPRESSED_SUFFIXES, TAR_SUFFIX, FolderManifest
from geotool.photos.manifest_parquet import is_parquet
from geotool.photos.manifest_rows import Manifest, Row, RowError, TarMember
from geotool.photos.manifest_tables import IMAGES_NAME, TABLE_NAME, TableManifest
from geotool.photos.manifest_tars import TarManifest
from geotool.photos.tar_members import refuse_compressed

__all__ = ["Manifest", "Row", "RowError", "TarMember", "open_manifest", "read_dataset"]


def open_manifest(path: str | Path) -> Manifest:
    """The data set at `path`: a folder, a CSV, TSV or Parquet table, a tar file or a folder of them.

    A folder's metadata.csv lists its photos; without one their EXIF data says where they were taken.
    A table's photos lie in images/ beside it, else with it, or in tar files there. Raises NotFoundError,
    UsageError for what is none of these.
    """
    path = Path(path)
    if path.is_dir():
        table = path / TABLE_NAME
        if table.is_file():
            return _open_table(table)
        return TarManifest(path, None) if _holds_tars(path) else FolderManifest(path)
    if not path.is_file():
        raise NotFoundError(
            f"There is no data set {path}.", "Name a folder, a CSV or Parquet table, or a tar file."
        )
    return _open_file(path)


def read_dataset(path: str | Path) -> list[Row | ItemError]:
    """All rows of a data set in their order; a row that cannot be used is an ItemError in its place.

    Raises NotFoundError, or UsageError for a table without the columns or with LAT and LON in each
    other's place.
    """
    return list(open_manifest(path).rows())


def _open_file(path: Path) -> Manifest:
    name = path.name.lower()
    if name.endswith(COMPRESSED_SUFFIXES):
        refusal = refuse_compressed(path.name)
        raise UsageError(refusal.message, refusal.hint)
    if name.endswith(TAR_SUFFIX):
        table = path.parent / TABLE_NAME
        return TarManifest(path, table if table.is_file() else None)
    return _open_table(path)


def _open_table(table: Path) -> Manifest:
    images = table.parent / IMAGES_NAME
    photos = images if images.is_dir() else table.parent
    if _holds_tars(photos):
        return TarManifest(photos, table)
    is_parquet(table)  # refuses now what cannot be read
    return TableManifest(table)


def _holds_tars(folder: Path) -> bool:
    """Whether a folder has tar files in it and no photo anywhere below."""
    tars = any(entry.name.lower().endswith(TAR_SUFFIX) for entry in list_folder(folder))
    return tars and not any(is_photo(path.name) for path in walk_files(folder))
