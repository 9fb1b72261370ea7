"""What the camera wrote beside the pixels: orientation, time, camera, and where it was."""

from __future__ import annotations

import datetime
from dataclasses import dataclass
from typing import Any

from PIL import ExifTags, Image

from geotool.core.geo import LatLon
from geotool.photos.gps import read_altitude, read_position
from geotool.photos.tags import MAX_TEXT, read_tags, tag_text


@dataclass(frozen=True, slots=True, kw_only=True)
class ExifFacts:
    """What was found; `warnings` holds one sentence for each thing that had to be ignored."""

    orientation: int = 1
    truth: LatLon | None = None
    altitude_m: float | None = None
    taken_at: str | None = None
    camera: str | None = None
    warnings: tuple[str, ...] = ()


def read_exif(picture: Image.Image) -> ExifFacts:
    """The facts in a picture's EXIF and XMP. Never raises for damaged ones: they are left out."""
    main, details = read_tags(picture), read_tags(picture, ExifTags.IFD.Exif)
    orientation = main.get(ExifTags.Base.Orientation)
    truth, warnings = read_position(picture)
    return ExifFacts(
        orientation=orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1,
        truth=truth,
        altitude_m=read_altitude(picture),
        taken_at=_time(details.get(ExifTags.Base.DateTimeOriginal))
        or _time(details.get(ExifTags.Base.DateTimeDigitized)),
        camera=_camera(tag_text(main.get(ExifTags.Base.Make)), tag_text(main.get(ExifTags.Base.Model))),
        warnings=warnings,
    )


def _camera(make: str, model: str) -> str | None:
    """Maker and model; the maker only once where the model repeats it."""
    repeated = make and model.lower().startswith(make.split()[0].lower())
    return (model if repeated else f"{make} {model}".strip())[:MAX_TEXT] or None


def _time(value: Any) -> str | None:
    """ "YYYY:MM:DD HH:MM:SS" as EXIF writes it, to "YYYY-MM-DD HH:MM:SS"; None unless it is a date."""
    try:
        return str(datetime.datetime.strptime(tag_text(value)[:19], "%Y:%m:%d %H:%M:%S"))
    except ValueError:
        return None
