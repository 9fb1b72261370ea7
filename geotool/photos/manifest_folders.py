"""A data set that is a folder of photos: their cameras say where they were taken."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path

from geotool.core.csv_rows import UnusableRow
from geotool.core.errors import GeotoolError
from geotool.core.geo import LatLon
from geotool.photos.folders import is_photo, walk_files
from geotool.photos.manifest_rows import Manifest, Row, RowError, row_error, shown_path
from geotool.photos.read import read_exif_truth
from geotool.photos.tar_members import refuse_compressed

TAR_SUFFIX = ".tar"
COMPRESSED_SUFFIXES = (".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz", ".tar.zst")


class FolderManifest(Manifest):
    """All photos below a folder, sorted by path, with the positions in their EXIF data."""

    kind = "folder"

    def __init__(self, folder: Path) -> None:
        self.root = folder

    @cached_property
    def fingerprint(self) -> str:
        listed = (path for path in walk_files(self.root) if is_photo(path.name) or is_tar(path.name))
        return files_fingerprint(self.kind, self.root, listed)

    def rows(self) -> Iterator[Row | RowError]:
        for path in walk_files(self.root):
            if is_photo(path.name) or is_tar(path.name):
                yield self._to_row(path)

    def _to_row(self, path: Path) -> Row | RowError:
        shown = shown_path(path, self.root)
        try:
            if is_tar(path.name):
                raise _refuse_tar(path.name)
            location = known(read_exif_truth(path), path.name)
        except GeotoolError as error:
            return row_error(shown, error)
        return Row(id=shown, path=path, location=location, root=self.root)


def _refuse_tar(name: str) -> UnusableRow:
    if name.lower().endswith(COMPRESSED_SUFFIXES):
        return refuse_compressed(name)
    return UnusableRow(
        "tar among photos",
        f"{name} is an archive among photos; what is in it is not read.",
        "Keep tar files in a folder of their own and name that, or unpack it.",
    )


def known(location: LatLon | None, name: str) -> LatLon:
    """The position a camera wrote. Raises UnusableRow where it wrote none."""
    if location is None:
        raise UnusableRow(
            "without coordinates", f"{name} has no usable EXIF position.", "List it in metadata.csv."
        )
    return location


def is_tar(name: str) -> bool:
    """Whether a file is a tar archive by the ending of its name, compressed or not."""
    return name.lower().endswith((TAR_SUFFIX, *COMPRESSED_SUFFIXES))


def files_fingerprint(kind: str, root: Path, paths: Iterable[Path]) -> str:
    """16 hex digits over the names below `root` and the sizes of files, in their order."""
    digest = hashlib.sha256(kind.encode())
    for path in paths:
        size = path.stat().st_size if path.is_file() else -1
        digest.update(f"{shown_path(path, root)}\0{size}\0".encode())
    return digest.hexdigest()[:16]
