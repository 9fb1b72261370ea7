"""find_photos: folders become the photos below them."""

from __future__ import annotations

from pathlib import Path

import pytest

from geotool.core.errors import NotFoundError
from geotool.photos import find_photos


def make(folder: Path, *names: str) -> None:
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def test_all_photos_below_sorted_and_nothing_else(tmp_path: Path) -> None:
    make(
        tmp_path, "b.JPG", "a.heic", "sub/deep/c.png", "sub/a.jpg", "notes.txt", "a.jpg.xmp", "clip.mov",
        ".hidden.jpg", "._b.JPG", ".thumbnails/t.jpg", "folder.jpg/inside.webp",
    )  # fmt: skip
    found = [path.relative_to(tmp_path).as_posix() for path in find_photos([tmp_path])]
    assert found == ["a.heic", "b.JPG", "folder.jpg/inside.webp", "sub/a.jpg", "sub/deep/c.png"]


def test_files_and_missing_ones_stay_in_their_place(tmp_path: Path) -> None:
    make(tmp_path, "z.jpg", "dir/a.jpg", "dir/b.jpg", "odd.txt")
    given = [tmp_path / "z.jpg", tmp_path / "dir", tmp_path / "none.jpg", tmp_path / "odd.txt"]
    names = [path.name for path in find_photos(given)]
    assert names == ["z.jpg", "a.jpg", "b.jpg", "none.jpg", "odd.txt"]


def test_a_folder_without_photos_is_an_error_that_names_it(tmp_path: Path) -> None:
    make(tmp_path, "empty/readme.md")
    with pytest.raises(NotFoundError, match=r"no photos in the folder .*empty") as error:
        find_photos([tmp_path / "empty"])
    assert "heic" in error.value.hint
