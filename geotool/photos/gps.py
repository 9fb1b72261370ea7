"""Where the camera was: the EXIF GPS block, else XMP.

What cannot be meant becomes a warning and never a coordinate: not a number, out of range, the half
of the Earth missing, the placeholder 0, 0.
"""

from __future__ import annotations

import re
from typing import Any

from PIL import ExifTags, Image

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.photos.tags import read_tags, tag_text

PLACEHOLDER_DEG = 1e-6  # positions this close to 0, 0 are what a camera writes without a fix
MAX_ALTITUDE_M = 50_000  # beyond that, as for what is not a number, it is a placeholder
MAX_XMP_BYTES = 1_000_000


class UnusableGps(ValueError):
    """Why a position cannot be used, as the end of a sentence."""


def read_position(picture: Image.Image) -> tuple[LatLon | None, tuple[str, ...]]:
    """The position from EXIF, else from XMP; with a warning where one was there but unusable."""
    warnings = []
    for source, read in (("EXIF", _exif_gps), ("XMP", _xmp_gps)):
        try:
            truth = read(picture)
        except UnusableGps as reason:
            warnings.append(f"The position in the photo's {source} data was ignored: {reason}.")
        else:
            if truth:
                return truth, tuple(warnings)
    return None, tuple(warnings)


def read_altitude(picture: Image.Image) -> float | None:
    """Metres above sea level from EXIF, negative below; None where it is missing or cannot be meant."""
    gps = read_tags(picture, ExifTags.IFD.GPSInfo)
    try:
        altitude_m = float(gps[ExifTags.GPS.GPSAltitude])
    except (KeyError, TypeError, ValueError, ArithmeticError):
        return None
    below = gps.get(ExifTags.GPS.GPSAltitudeRef) in (1, b"\x01")
    altitude_m = -altitude_m if below else altitude_m
    return altitude_m if abs(altitude_m) <= MAX_ALTITUDE_M else None


def _exif_gps(picture: Image.Image) -> LatLon | None:
    gps = read_tags(picture, ExifTags.IFD.GPSInfo)
    values = gps.get(ExifTags.GPS.GPSLatitude), gps.get(ExifTags.GPS.GPSLongitude)
    if values == (None, None):
        return None
    lat = _signed(_degrees(values[0]), tag_text(gps.get(ExifTags.GPS.GPSLatitudeRef)), "NS")
    lon = _signed(_degrees(values[1]), tag_text(gps.get(ExifTags.GPS.GPSLongitudeRef)), "EW")
    return _location(lat, lon)


def _degrees(value: Any) -> float:
    """Degrees from one to three numbers (degrees, minutes, seconds), each a rational or plain."""
    parts = value if isinstance(value, (tuple, list)) else (value,)
    try:
        numbers = [float(part) for part in parts]
    except (TypeError, ValueError, ArithmeticError) as error:
        raise UnusableGps("it is not a number") from error
    if not 1 <= len(numbers) <= 3 or any(number != number for number in numbers):
        raise UnusableGps("it is not a number")
    if any(not 0 <= number <= 60 for number in numbers[1:]):
        raise UnusableGps("its minutes or seconds are outside 0..60")
    if any(number % 1 and any(numbers[i + 1 :]) for i, number in enumerate(numbers)):
        raise UnusableGps("its degrees or minutes have decimals although a smaller unit follows")
    size: float = sum(abs(number) / 60.0**i for i, number in enumerate(numbers))
    return -size if numbers[0] < 0 else size


def _signed(degrees: float, letter: str, directions: str) -> float:
    """Degrees with the sign of N/S or E/W. Without a letter the half of the Earth is unknown."""
    first = letter[:1].upper()
    if not first or first not in directions:
        words = {"NS": "north or south", "EW": "east or west"}[directions]
        raise UnusableGps(f"it does not say {words}")
    if degrees < 0 and first == directions[0]:
        raise UnusableGps(f"it is negative and yet says {first}")
    return abs(degrees) if first == directions[0] else -abs(degrees)


def _location(lat: float, lon: float) -> LatLon:
    if abs(lat) < PLACEHOLDER_DEG and abs(lon) < PLACEHOLDER_DEG:
        raise UnusableGps("0, 0 is what cameras write when they do not know")
    if abs(lon) > 180:
        raise UnusableGps(f"longitude {lon:g} is outside -180..180")
    try:
        return LatLon(lat=lat, lon=lon)
    except UsageError as error:
        raise UnusableGps(error.message[0].lower() + error.message[1:].rstrip(".")) from error


def _xmp_gps(picture: Image.Image) -> LatLon | None:
    """Position from XMP, written as "48,51.5N" or "48,51,30N" (XMP specification, part 2)."""
    packet = picture.info.get("xmp") or picture.info.get("XML:com.adobe.xmp") or b""
    data = packet.encode("utf-8", "replace") if isinstance(packet, str) else packet
    if not isinstance(data, bytes):
        return None
    lat, lon = (_xmp_value(data[:MAX_XMP_BYTES], name) for name in (b"GPSLatitude", b"GPSLongitude"))
    if lat is None or lon is None:
        return None
    return _location(_from_xmp(lat, "NS"), _from_xmp(lon, "EW"))


def _xmp_value(packet: bytes, name: bytes) -> str | None:
    """The text of exif:<name>, written as an attribute or as an element."""
    found = re.search(rb"exif:" + name + rb"(?:\s*=\s*[\"']|>\s*)([^\"'<]{1,40})", packet)
    return found[1].decode("ascii", "replace").strip() if found else None


def _from_xmp(text: str, directions: str) -> float:
    number = r"([0-9]{1,3}(?:\.[0-9]+)?)"
    found = re.fullmatch(rf"{number},{number}(?:,{number})?([NSEW])", text)
    if found is None:
        raise UnusableGps("it is not written as degrees and minutes")
    return _signed(_degrees([part for part in found.groups()[:3] if part]), found[4], directions)
