"""Photos below a folder, by the endings of their names: what is in them shows when they are read."""

from __future__ import annotations

import os
from collections.abc import Iterable
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
    found = []
    for parent, folders, files in os.walk(folder, onerror=_refuse):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(parent, name) for name in files if _is_photo(name)]
    return sorted(found)


def _is_photo(name: str) -> bool:
    return not name.startswith(".") and name.lower().endswith(SUFFIXES)


def _in_folder(folder: Path) -> list[Path]:
    photos = list_photos(folder)
    if not photos:
        kinds = ", ".join(suffix[1:] for suffix in SUFFIXES)
        raise NotFoundError(f"There are no photos in the folder {folder}.", f"Looked for: {kinds}.")
    return photos


def _refuse(error: OSError) -> NoReturn:
    reason = error.strerror or "unknown reason"
    raise UsageError(f"The folder {error.filename} cannot be listed: {reason}.", "Name its photos instead.")
