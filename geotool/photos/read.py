"""One photo: from a path to RGB pixels the right way up, with what the camera wrote beside it."""

from __future__ import annotations

from io import BufferedReader
from pathlib import Path

from PIL import Image

from geotool.core.geo import LatLon
from geotool.core.records import Photo
from geotool.photos.exif import ExifFacts, read_exif
from geotool.photos.files import hash_file, open_bytes, open_file, shown_name, start_clock
from geotool.photos.formats import BROKEN_FILE, HALVE_ABOVE_MEGAPIXELS, failure, open_picture
from geotool.photos.pixels import to_rgb, turn_upright

PANORAMA_RATIO = 3.0  # from here on a centre crop shows less than a third of the picture


def read_photo(path: str | Path) -> tuple[Photo, Image.Image]:
    """Read a photo: its record, and its pixels as RGB, upright and without any metadata.

    The truth comes from the EXIF or XMP position and is kept apart from the pixels. Raises
    NotFoundError for a missing file, BadImageError for everything that is no usable picture.
    """
    with open_file(Path(path)) as file:
        return _read(file, Path(path))


def read_photo_bytes(data: bytes, name: str) -> tuple[Photo, Image.Image]:
    """Read a photo that is in memory, as read_photo reads a file; `name` becomes the record's path.

    Raises BadImageError.
    """
    with open_bytes(data, name) as file:
        return _read(file, Path(name))


def read_exif_truth(path: str | Path) -> LatLon | None:
    """Where the camera says it was, without decoding the pixels. Raises as read_photo does."""
    with open_file(Path(path)) as file:
        return _read_truth(file, shown_name(path))


def read_exif_truth_bytes(data: bytes, name: str) -> LatLon | None:
    """The same for a photo that is in memory. Raises BadImageError."""
    with open_bytes(data, name) as file:
        return _read_truth(file, shown_name(name))


def _read_truth(file: BufferedReader, name: str) -> LatLon | None:
    start_clock(file)
    with open_picture(file, name) as picture:
        return read_exif(picture).truth


def _read(file: BufferedReader, path: Path) -> tuple[Photo, Image.Image]:
    name = shown_name(path)
    photo_id = hash_file(file, name)
    with open_picture(file, name) as picture:
        full_size_px, picture_format = picture.size, str(picture.format)
        several = _holds_several(picture)
        image, facts = _decode(picture, name)
    turned = facts.orientation >= 5  # the four that swap width and height
    photo = Photo(
        path=path,
        photo_id=photo_id,
        size_px=full_size_px[::-1] if turned else full_size_px,
        format="JPEG" if picture_format == "MPO" else picture_format,
        taken_at=facts.taken_at,
        camera=facts.camera,
        truth=facts.truth,
        truth_source="exif" if facts.truth else None,
        exif_position=facts.truth,
        altitude_m=facts.altitude_m,
        orientation=facts.orientation,
        warnings=(*facts.warnings, *_warnings(image.size, several)),
    )
    return photo, image


def _holds_several(picture: Image.Image) -> bool:
    """Whether the file is an animation or a burst. An MPO's second picture is only a helper."""
    try:
        return picture.format != "MPO" and bool(getattr(picture, "is_animated", False))
    except BROKEN_FILE:
        return False


def _decode(picture: Image.Image, name: str) -> tuple[Image.Image, ExifFacts]:
    try:
        width, height = picture.size
        if picture.format in ("JPEG", "MPO") and width * height > HALVE_ABOVE_MEGAPIXELS * 1_000_000:
            picture.draft(None, (width // 2, height // 2))
        picture.load()
        facts = read_exif(picture)
        image = to_rgb(picture)
        picture.close()  # frees its pixels before turning makes another copy
    except BROKEN_FILE as error:
        raise failure(name, error) from error
    image = turn_upright(image, facts.orientation)
    image.info.clear()  # nothing the camera wrote travels on with the pixels
    return image, facts


def _warnings(size_px: tuple[int, int], several: bool) -> list[str]:
    found = []
    if several:
        found.append("The file holds several pictures or an animation; only the main one is used.")
    ratio = max(size_px) / min(size_px)
    if ratio > PANORAMA_RATIO:
        shape = "wide as it is high" if size_px[0] > size_px[1] else "high as it is wide"
        found.append(f"The picture is {ratio:.0f} times as {shape}; the model sees only its middle.")
    return found
