"""write_preview: small, private, and nothing of the camera in it."""

from __future__ import annotations

import os
from pathlib import Path

import pictures
import pytest
from PIL import Image

from geotool.photos import write_preview


@pytest.mark.parametrize(
    ("size", "expected"), [((3200, 800), (1600, 400)), ((100, 3200), (50, 1600)), ((64, 48), (64, 48))]
)
def test_fits_into_the_limit_and_is_never_enlarged(
    tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
) -> None:
    with Image.open(write_preview(pictures.scene(*size), tmp_path)) as preview:
        assert preview.format == "JPEG" and preview.size == expected


def test_a_long_strip_keeps_a_pixel(tmp_path: Path) -> None:
    with Image.open(write_preview(Image.new("RGB", (4000, 16)), tmp_path, max_px=100)) as preview:
        assert preview.size == (100, 1)


def test_carries_no_metadata_and_is_private(tmp_path: Path) -> None:
    image = pictures.scene()
    image.info.update(comment=b"secret", icc_profile=b"x" * 200)
    image.info["exif"] = pictures.exif(pictures.PARIS_GPS).tobytes()
    path = write_preview(image, tmp_path)
    data = path.read_bytes()
    assert b"secret" not in data and b"Exif" not in data and b"ICC_PROFILE" not in data
    assert path.parent == tmp_path and image.info["comment"] == b"secret"
    if os.name != "nt":
        assert path.stat().st_mode & 0o077 == 0


def test_two_previews_do_not_collide(tmp_path: Path) -> None:
    assert write_preview(pictures.scene(), tmp_path) != write_preview(pictures.scene(), tmp_path)
