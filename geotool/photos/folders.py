"""Photos below a folder, by the endings of their names: what is in them shows when they are read."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NoReturn

from geotool.core.errors import NotFoundError, UsageError

SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".heic", ".heif", ".avif", ".gif", ".bmp")


def find_photos(paths: Iterable[str | Path]) -> list[Path]:
    """The paths in their order, with each folder replaced by all photos below it, sorted.

    Raises NotFoundError for a folder without photos, UsageError for one that may not be listed.
    """
    return [photo for path in map(Path, paths) for photo in (_in_folder(path) if path.is_dir() else [path])]


def list_photos(folder: Path) -> list[Path]:
    """All photos below a folder, sorted; none that is hidden (thumbnails, leftovers of other systems)."""
    return [path for path in walk_files(folder) if is_photo(path.name)]


def walk_files(folder: Path) -> Iterator[Path]:
    """All files below a folder that are not hidden, in sorted order; links to folders are not followed.

    Only the names of the folders on the way are in memory. Raises UsageError for one that may not be listed.
    """
    open_folders = [list_folder(folder)]
    while open_folders:
        entry = next(open_folders[-1], None)
        if entry is None:
            open_folders.pop()
        elif not entry.is_dir():
            yield Path(entry.path)
        elif not entry.is_symlink():
            open_folders.append(list_folder(entry.path))


def is_photo(name: str) -> bool:
    return name.lower().endswith(SUFFIXES)


def list_folder(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    """What lies in a folder and is not hidden, sorted. Raises UsageError."""
    try:
        with os.scandir(folder) as entries:
            visible = [entry for entry in entries if not entry.name.startswith(".")]
    except OSError as error:
        _refuse(error)
    return iter(sorted(visible, key=lambda entry: entry.name))


def _in_folder(folder: Path) -> list[Path]:
    photos = list_photos(folder)
    if not photos:
        kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
        raise NotFoundError(f"There are no photos in the folder {folder}.", f"Looked for: {kinds}.")
    return photos


def _refuse(error: OSError) -> NoReturn:
    reason = error.strerror or "unknown reason"
    raise UsageError(f"The folder {error.filename} cannot be listed: {reason}.", "Name its photos instead.")
