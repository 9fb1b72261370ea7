"""From the name in a table to the photo's file, in the ways that data sets write and store it."""

from __future__ import annotations

import os
import re
import stat
from array import array
from collections.abc import Iterator
from pathlib import Path

from geotool.core.csv_rows import UnusableRow
from geotool.photos.folders import SUFFIXES, is_photo, walk_files
from geotool.photos.seen_names import name_hash

_LEADS_OUT = re.compile(r"(^|[\\/])\.\.([\\/]|$)|^[\\/]|^[A-Za-z]:|\0")
_MP16_FLAT = re.compile(r"([0-9a-f]{2})_([0-9a-f]{2})_(.+)")
_ENDINGS = (*SUFFIXES, *map(str.upper, SUFFIXES))


def leads_out(name: str) -> bool:
    """Whether a name has "..", begins with "/", "\\" or a drive letter, or holds a zero byte."""
    return bool(_LEADS_OUT.search(name))


class PhotoFinder:
    """Finds photos below one folder: with or without their ending, in sub-folders or with "_" for "/".

    Where `deep`, a name without a folder is looked for in all sub-folders (OSV-5M: images/train/07/ID.jpg).
    """

    def __init__(self, root: Path, deep: bool) -> None:
        self._root = str(root)
        self._deep = deep
        self._index: FolderIndex | None = None

    def find(self, name: str) -> Path:
        """The file that `name` means. Raises UnusableRow: none, several, empty, or outside the folder."""
        if leads_out(name):
            raise UnusableRow(
                "outside the data set", f"{name} leads out of the data set.", "Name photos inside it."
            )
        found = next(filter(None, self._look(name)), {})
        if len(found) != 1:
            amount, kind = (
                ("more than one photo", "ambiguous name") if found else ("no photo", "missing photo")
            )
            raise UnusableRow(
                kind,
                f"There is {amount} {name} in the data set.",
                "Correct its name in the table, or add it.",
            )
        ((path, size),) = found.items()
        if not size:
            raise UnusableRow("empty file", f"{name} is empty.", "Copy it again from where it came from.")
        return Path(path)

    def _look(self, name: str) -> Iterator[dict[str, int]]:
        for spelling in _spellings(name):
            yield _matches(os.path.join(self._root, spelling))
        if self._deep and "/" not in name and "\\" not in name:
            self._index = self._index or FolderIndex(Path(self._root))
            yield self._index.find(name)


class FolderIndex:
    """In which folders of a tree each photo lies, by its name without ending: 12 bytes per photo."""

    def __init__(self, root: Path) -> None:
        import numpy as np

        self._folders: list[str] = []
        keys, places = array("Q"), array("I")
        for path in walk_files(root):
            if is_photo(path.name):
                keys.append(name_hash(path.stem))
                places.append(self._number(str(path.parent)))
        hashes = np.asarray(keys)  # (N,)
        order = np.argsort(hashes, kind="stable")
        self._keys, self._places = hashes[order], np.asarray(places)[order]

    def find(self, name: str) -> dict[str, int]:
        """All files of that name, with or without its ending, and their bytes."""
        key = self._keys.dtype.type(name_hash(_stem(name)))
        start, stop = self._keys.searchsorted(key, "left"), self._keys.searchsorted(key, "right")
        folders = dict.fromkeys(self._folders[i] for i in self._places[start:stop])
        found = (_matches(os.path.join(folder, name)) for folder in folders)
        return {path: size for matches in found for path, size in matches.items()}

    def _number(self, folder: str) -> int:
        if not self._folders or self._folders[-1] != folder:
            self._folders.append(folder)  # twice where sub-folders lie between its photos
        return len(self._folders) - 1


def _stem(name: str) -> str:
    return os.path.splitext(name)[0] if is_photo(name) else name


def _spellings(name: str) -> Iterator[str]:
    """The name as it is; a Windows path; MP-16's ids, whose folders are "/" in tables and "_" in copies."""
    yield name
    if "\\" in name:
        yield name.replace("\\", "/")
    if "/" in name:
        yield name.replace("/", "_")
    if flat := _MP16_FLAT.fullmatch(name):
        yield "/".join(flat.groups())


def _matches(path: str) -> dict[str, int]:
    """The file itself, else the photos that have this name and an ending; with their bytes."""
    size = _file_size(path)
    if size is not None:
        return {path: size}
    if is_photo(path):
        return {}
    names = (path + ending for ending in _ENDINGS if os.access(path + ending, os.F_OK))
    found = {name: size for name in names if (size := _file_size(name)) is not None}
    # Where case makes no difference, one file answers to two endings.
    same = len(found) == 2 and os.path.samefile(*found)
    return dict([found.popitem()]) if same else found


def _file_size(path: str) -> int | None:
    """Bytes of a plain file; None for everything else."""
    try:
        found = os.stat(path)
    except (OSError, ValueError):
        return None
    return found.st_size if stat.S_ISREG(found.st_mode) else None
