"""Small pictures of photos inside a page: encoded anew, so that nothing the camera wrote comes along."""

from __future__ import annotations

from base64 import b64encode

from geotool.core.errors import GeotoolError
from geotool.core.records import Photo


def to_data_uri(photo: Photo, max_px: int) -> str | None:
    """A JPEG of at most `max_px` per side; None where the file is no longer the photo that was located."""
    from geotool.photos import read_photo, to_small_jpeg

    try:
        found, image = read_photo(photo.path)
    except GeotoolError:
        return None
    if found.photo_id != photo.photo_id:
        return None
    return f"data:image/jpeg;base64,{b64encode(to_small_jpeg(image, max_px)).decode()}"
