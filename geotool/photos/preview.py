"""A small JPEG of a photo, for browsers that cannot show the original (HEIC, huge files)."""

from __future__ import annotations

import io
import os
import tempfile
from pathlib import Path

from PIL import Image

PREVIEW_MAX_PX = 1600
QUALITY = 85


def write_preview(image: Image.Image, folder: str | Path, max_px: int = PREVIEW_MAX_PX) -> Path:
    """Write `image` (RGB) into `folder` as a JPEG of at most `max_px` per side, without metadata.

    The file gets a new name that only the owner may read; removing it is the caller's business.
    """
    data = to_small_jpeg(image, max_px)
    handle, name = tempfile.mkstemp(prefix="preview-", suffix=".jpg", dir=folder)
    with os.fdopen(handle, "wb") as file:
        file.write(data)
    return Path(name)


def to_small_jpeg(image: Image.Image, max_px: int) -> bytes:
    """`image` (RGB) as a JPEG of at most `max_px` per side, encoded anew and without metadata."""
    scale = min(1.0, max_px / max(image.size))
    size_px = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    small = image.resize(size_px, Image.Resampling.LANCZOS, reducing_gap=2.0).convert("RGB")
    small.info.clear()  # Pillow would copy a comment or colour profile into the file
    data = io.BytesIO()
    small.save(data, "JPEG", quality=QUALITY)
    return data.getvalue()
