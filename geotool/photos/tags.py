"""EXIF tags as plain values, however damaged the block around them is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from PIL import Image

from geotool.photos.formats import BROKEN_FILE

MAX_TEXT = 80  # characters kept of a text


def read_tags(picture: Image.Image, ifd: int | None = None) -> Mapping[int, Any]:
    """One block of EXIF tags; as many of them as can be read."""
    try:
        exif = picture.getexif()
        block = exif if ifd is None else exif.get_ifd(ifd)
        keys = list(block)
    except BROKEN_FILE:
        return {}
    found = {}
    for key in keys:
        try:
            found[key] = block[key]
        except BROKEN_FILE:
            continue  # Pillow decodes on access: one broken tag must not cost the others
    return found


def tag_text(value: Any) -> str:
    """A tag's text without zero bytes and control characters, of bounded length."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    printable = "".join(c if c.isprintable() else " " for c in value.lstrip("\0").split("\0")[0])
    return " ".join(printable.split())[:MAX_TEXT]
