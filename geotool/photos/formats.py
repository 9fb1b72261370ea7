"""Which picture files are opened, and how large they may be.

Pillow knows more than forty formats; each one more is code that a hostile file can reach. Only
those that cameras, phones and browsers write are opened.
"""

from __future__ import annotations

import functools
import re
import struct
import warnings
import zlib
from io import BufferedReader

from PIL import Image, UnidentifiedImageError

from geotool.core.errors import BadImageError

# What Pillow may open; its JPEG reader returns MPO for a JPEG with a second picture in it.
FORMATS = ("JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP")
ACCEPTED = "Use JPEG, PNG, WebP, HEIC, AVIF, GIF or BMP."

MAX_FILE_MB = 200
MAX_MEGAPIXELS = 100
# A plain JPEG is decoded row by row and at half size above HALVE_ABOVE_MEGAPIXELS, so the 200
# megapixel photos of today's phones are no danger to the memory.
MAX_JPEG_MEGAPIXELS = 220
HALVE_ABOVE_MEGAPIXELS = 60
MIN_SIDE_PX = 16
# A JPEG may hold its pixels in any number of passes, each as much work as the whole picture: a file
# of a few kilobytes can ask for hours. Cameras write one pass, web pictures about ten.
MAX_PASS_MEGAPIXELS = 1500

# What Pillow and its plug-ins raise on broken files. Bugs of our own in the same `try` would be
# hidden by it, so it is used around their calls only.
BROKEN_FILE = (
    OSError,
    ValueError,
    TypeError,
    LookupError,
    SyntaxError,
    ArithmeticError,
    EOFError,
    AttributeError,
    RuntimeError,
    MemoryError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
)

# Beginnings of files, so that a refusal can say what is wrong with this one.
ACCEPTED_STARTS = re.compile(
    rb"\xff\xd8|\x89PNG|GIF8|BM|RIFF....WEBP|....ftyp(hei[csmx]|hevc|mif1|msf1|avi[fs])", re.DOTALL
)
REFUSED_STARTS = {
    b"II*\0": "a TIFF or raw camera file",
    b"MM\0*": "a TIFF or raw camera file",
    b"%PDF": "a PDF",
    b"8BPS": "a Photoshop file",
    b"\0\0\1\0": "an icon",
    b"<svg": "an SVG drawing",
    b"<?xm": "an XML text",
    b"PK\3\4": "a ZIP archive or office document",
}


@functools.cache
def prepare_pillow() -> None:
    """Teach Pillow HEIC, and keep it silent: what its warnings say is checked here."""
    import pillow_heif

    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = MAX_JPEG_MEGAPIXELS * 1_000_000 // 2  # it refuses above twice this
    warnings.filterwarnings("ignore", module=r"(PIL|pillow_heif)\b")


def open_picture(file: BufferedReader, name: str) -> Image.Image:
    """Read the header of a picture; pixels are decoded later. `name` is for messages.

    Raises BadImageError for other formats, and for sizes outside the limits.
    """
    prepare_pillow()
    try:
        picture = Image.open(file, formats=FORMATS)
        progressive = bool(picture.info.get("progressive"))
    except Image.DecompressionBombError as error:
        raise _too_large(name, "more", MAX_MEGAPIXELS) from error
    except UnidentifiedImageError as error:
        raise _refused(file, name) from error
    except BROKEN_FILE as error:
        raise failure(name, error) from error
    _check_size(picture, name, progressive)
    if picture.format in ("JPEG", "MPO"):
        _check_passes(picture, file, name)
    return picture


def failure(name: str, error: BaseException | None = None) -> BadImageError:
    """What a failed read means for the person who gave the file."""
    if isinstance(error, TimeoutError):
        return BadImageError(f"{name} takes too long to read.", "Save it anew with a picture program.")
    if isinstance(error, MemoryError):
        return BadImageError(f"{name} needs more memory than is free.", "Make it smaller.")
    return BadImageError(f"{name} is damaged or incomplete.", "Copy it again from where it came from.")


def _check_size(picture: Image.Image, name: str, progressive: bool) -> None:
    width, height = picture.size
    row_by_row = picture.format in ("JPEG", "MPO") and not progressive
    limit = MAX_JPEG_MEGAPIXELS if row_by_row else MAX_MEGAPIXELS
    if width * height > limit * 1_000_000:
        raise _too_large(name, f"{width * height / 1e6:.0f}", limit)
    if min(width, height) < MIN_SIDE_PX:
        raise BadImageError(
            f"{name} is too small to show a place ({width} x {height} px).",
            f"Each side needs at least {MIN_SIDE_PX} px.",
        )


def _check_passes(picture: Image.Image, file: BufferedReader, name: str) -> None:
    """Refuse a JPEG of too many passes. Their marker FF DA cannot occur inside compressed data."""
    position = file.tell()
    file.seek(0)
    try:
        passes = sum(block.count(b"\xff\xda") for block in iter(lambda: file.read(1 << 20), b""))
    except OSError as error:
        raise failure(name, error) from error
    file.seek(position)
    if passes * picture.width * picture.height > MAX_PASS_MEGAPIXELS * 1_000_000:
        raise failure(name, TimeoutError())


def _too_large(name: str, megapixels: str, limit: int) -> BadImageError:
    than = " than geotool opens" if megapixels == "more" else ""
    return BadImageError(
        f"{name} has {megapixels} megapixels{than}.", f"The limit is {limit} megapixels: make it smaller."
    )


def _refused(file: BufferedReader, name: str) -> BadImageError:
    """Why Pillow found no picture in it: another kind of file, or one of ours that is broken."""
    file.seek(0)
    start = file.read(12)
    if ACCEPTED_STARTS.match(start):
        return failure(name)
    kind = REFUSED_STARTS.get(start[:4], "no picture that geotool can read")
    return BadImageError(f"{name} is {kind}.", ACCEPTED)
