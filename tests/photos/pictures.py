"""Pictures made for the tests: every kind of pixel, EXIF as cameras write it, broken files."""

from __future__ import annotations

import io
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

GPS = ExifTags.GPS


def scene(width: int = 64, height: int = 48) -> Image.Image:
    """RGB with a red top left corner on a smooth ground, so that turning it shows."""
    x, y = np.meshgrid(np.linspace(0, 200, width), np.linspace(0, 200, height))
    pixels = np.stack([x * 0 + 40, y, x], axis=-1).astype(np.uint8)
    pixels[: height // 4, : width // 4] = (255, 0, 0)
    return Image.fromarray(pixels, "RGB")


def rational(value: float, denominator: int = 10_000) -> IFDRational:
    return IFDRational(round(value * denominator), denominator)


def gps_tags(lat: Any, lon: Any, lat_ref: Any = "N", lon_ref: Any = "E") -> dict[int, Any]:
    """A GPS block; None leaves a tag out."""
    tags = {
        GPS.GPSLatitudeRef: lat_ref,
        GPS.GPSLatitude: lat,
        GPS.GPSLongitudeRef: lon_ref,
        GPS.GPSLongitude: lon,
    }
    return {int(key): value for key, value in tags.items() if value is not None}


def exif(gps: dict[int, Any] | None = None, orientation: int | None = None, **main: Any) -> Image.Exif:
    """EXIF with a GPS block, an orientation and tags of the main block by name."""
    block = Image.Exif()
    for name, value in main.items():
        block[ExifTags.Base[name]] = value
    if orientation:
        block[ExifTags.Base.Orientation] = orientation
    if gps:
        block[ExifTags.IFD.GPSInfo] = gps
    return block


def dms(degrees: float, minutes: float = 0, seconds: float = 0) -> tuple[IFDRational, ...]:
    return rational(degrees), rational(minutes), rational(seconds)


PARIS_GPS = gps_tags(dms(48, 51, 30), dms(2, 17, 40.2))
PARIS = (48 + 51 / 60 + 30 / 3600, 2 + 17 / 60 + 40.2 / 3600)


def jpeg(path: Path, image: Image.Image | None = None, **options: Any) -> Path:
    (image or scene()).save(path, "JPEG", quality=95, subsampling=0, **options)
    return path


def png_claiming(path: Path, width: int, height: int) -> Path:
    """A PNG of a few bytes whose header promises width x height pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + body)
    return path


def jpeg_claiming(path: Path, width: int, height: int, progressive: bool = False) -> Path:
    """A small JPEG whose frame header promises width x height pixels."""
    buffer = io.BytesIO()
    scene().save(buffer, "JPEG", progressive=progressive)
    data = bytearray(buffer.getvalue())
    frame = data.index(b"\xff\xc2" if progressive else b"\xff\xc0")
    data[frame + 5 : frame + 9] = struct.pack(">HH", height, width)
    path.write_bytes(data)
    return path


def jpeg_of_many_passes(path: Path, width: int, height: int, passes: int) -> Path:
    """A progressive JPEG whose last pass is there again and again."""
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), "green").save(buffer, "JPEG", progressive=True)
    data = buffer.getvalue()
    last = data[data.rindex(b"\xff\xda") : -2]
    path.write_bytes(data[:-2] + last * passes + data[-2:])
    return path


def without_adobe_marker(data: bytes) -> bytes:
    """The same JPEG without its APP14 segment."""
    start = data.index(b"\xff\xee")
    (length,) = struct.unpack(">H", data[start + 2 : start + 4])
    return data[:start] + data[start + 2 + length :]
