"""One photo: from a path to RGB pixels the right way up, with what the camera wrote beside it."""

from __future__ import annotations

import hashlib
import os
import stat
from io import BufferedReader
from pathlib import Path

from PIL import Image

from geotool.core.errors import BadImageError, GeotoolError, NotFoundError
from geotool.core.geo import LatLon
from geotool.core.records import Photo
from geotool.photos.exif import ExifFacts, read_exif
from geotool.photos.formats import (
    ACCEPTED,
    BROKEN_FILE,
    HALVE_ABOVE_MEGAPIXELS,
    MAX_FILE_MB,
    broken,
    open_picture,
)
from geotool.photos.pixels import to_rgb, turn_upright

PANORAMA_RATIO = 3.0  # from here on a centre crop shows less than a third of the picture


def read_photo(path: str | Path) -> tuple[Photo, Image.Image]:
    """Read a photo: its record, and its pixels as RGB, upright and without any metadata.

    The truth comes from the EXIF or XMP position and is kept apart from the pixels. Raises
    NotFoundError for a missing file, BadImageError for everything that is no usable picture.
    """
    path, name = Path(path), shown_name(path)
    with open_file(path) as file:
        photo_id = _hash(file, name)
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
        warnings=(*facts.warnings, *_warnings(image.size, several)),
    )
    return photo, image


def read_exif_truth(path: str | Path) -> LatLon | None:
    """Where the camera says it was, without decoding the pixels. Raises as read_photo does."""
    with open_file(Path(path)) as file, open_picture(file, shown_name(path)) as picture:
        return read_exif(picture).truth


def shown_name(path: str | Path) -> str:
    """The file's name for a message: printable whatever its bytes are, and without its folders."""
    name = os.fsencode(Path(path).name or path).decode("utf-8", "replace")
    clean = "".join(c if c.isprintable() else "�" for c in name)
    return clean if len(clean) <= 80 else f"{clean[:60]}...{clean[-15:]}"


def open_file(path: Path) -> BufferedReader:
    """Open a regular file. Raises NotFoundError or BadImageError; never waits for a pipe or device."""
    name = shown_name(path)
    try:
        # Without O_NONBLOCK, opening a named pipe waits until somebody writes into it.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        is_regular = stat.S_ISREG(path.stat().st_mode)
        file = os.fdopen(os.open(path, flags), "rb") if is_regular else None
    except (FileNotFoundError, NotADirectoryError, ValueError) as error:  # ValueError: a zero byte
        raise NotFoundError(f"There is no file {name}.", "Check the path.") from error
    except PermissionError as error:
        raise BadImageError(f"{name} may not be read.", "Change its permissions.") from error
    except OSError as error:
        raise BadImageError(f"{name} cannot be opened: {error.strerror}.", "Check the path.") from error
    if file is None:
        raise _not_a_file(path, name)
    return file


def _not_a_file(path: Path, name: str) -> GeotoolError:
    if path.is_dir():
        return BadImageError(f"{name} is a folder.", "Name the photos in it.")
    return BadImageError(f"{name} is a device or pipe, not a file.", ACCEPTED)


def _hash(file: BufferedReader, name: str) -> str:
    """Hex sha256 of the file, after a look at its size."""
    try:
        size = os.fstat(file.fileno()).st_size
        if size == 0:
            raise BadImageError(f"{name} is empty.", "Copy it again from where it came from.")
        if size > MAX_FILE_MB * 1_000_000:
            raise BadImageError(
                f"{name} has {size / 1e6:.0f} MB.", f"The limit is {MAX_FILE_MB} MB: make it smaller."
            )
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        file.seek(0)
    except OSError as error:
        raise broken(name) from error
    return digest


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
        image = to_rgb(picture)
    except BROKEN_FILE as error:
        raise broken(name) from error
    facts = read_exif(picture)
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
