"""Photos in memory are read exactly as files are."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pictures
import pytest

from geotool.core.errors import BadImageError
from geotool.photos import files, read_photo, read_photo_bytes


def test_bytes_give_the_same_photo_as_their_file(tmp_path: Path) -> None:
    path = pictures.jpeg(tmp_path / "a.jpg", exif=pictures.exif(pictures.PARIS_GPS, orientation=6))
    (photo, image), (same, same_image) = read_photo(path), read_photo_bytes(path.read_bytes(), "x/a.jpg")
    assert dataclasses.replace(same, path=path) == photo
    assert same.path == Path("x/a.jpg")
    assert image.tobytes() == same_image.tobytes() and not same_image.info


def test_bytes_are_refused_in_the_words_used_for_files(tmp_path: Path) -> None:
    claims = pictures.png_claiming(tmp_path / "b.png", 60_000, 60_000).read_bytes()
    for data in (b"", b"%PDF-1.4", claims, pictures.jpeg(tmp_path / "c.jpg").read_bytes()[:300]):
        (tmp_path / "a.jpg").write_bytes(data)
        with pytest.raises(BadImageError) as of_file:
            read_photo(tmp_path / "a.jpg")
        with pytest.raises(BadImageError) as of_bytes:
            read_photo_bytes(data, "a.jpg")
        assert str(of_file.value) == str(of_bytes.value)


def test_bytes_have_the_same_time_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = pictures.jpeg(tmp_path / "a.jpg").read_bytes()
    monkeypatch.setattr(files, "MAX_READ_S", -1)
    with pytest.raises(BadImageError, match="takes too long"):
        read_photo_bytes(data, "a.jpg")
