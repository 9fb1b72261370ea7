"""The example pictures of the window: tiles whose true coordinates stand in their EXIF."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from geotool.core.geo import LatLon
from geotool.demo.raster import Raster
from geotool.demo.tiles import Tile, cut_tile

SIZE_PX = 256
# By hand, one a continent: drawn from no seed, so none of them is a training tile.
EXAMPLES = {
    "tile-1-africa": Tile(center=LatLon(lat=24.3, lon=33.1), span_km=900, rotation_deg=25),
    "tile-2-asia": Tile(center=LatLon(lat=28.6, lon=84.2), span_km=950, rotation_deg=340),
    "tile-3-europe": Tile(center=LatLon(lat=44.9, lon=9.4), span_km=1000, rotation_deg=10),
    "tile-4-north-america": Tile(center=LatLon(lat=43.6, lon=-84.7), span_km=1050, rotation_deg=320),
    "tile-5-south-america": Tile(center=LatLon(lat=-16.4, lon=-69.8), span_km=850, rotation_deg=60),
    "tile-6-australia": Tile(center=LatLon(lat=-33.2, lon=136.6), span_km=1000, rotation_deg=200),
}


def write_examples(folder: Path, raster: Raster) -> None:
    """Write the examples as JPEG files, truth in the EXIF."""
    from PIL import Image

    folder.mkdir(parents=True, exist_ok=True)
    for name, tile in EXAMPLES.items():
        picture = Image.fromarray(np.ascontiguousarray(cut_tile(raster, tile, SIZE_PX)))
        picture.save(folder / f"{name}.jpg", quality=92, exif=_to_exif(tile.center))


def _to_exif(place: LatLon) -> bytes:
    from PIL import ExifTags, Image

    exif = Image.Exif()
    exif[ExifTags.Base.ImageDescription] = "Tile of NASA Blue Marble Next Generation (public domain)"
    exif[ExifTags.IFD.GPSInfo] = {
        ExifTags.GPS.GPSLatitudeRef: "N" if place.lat >= 0 else "S",
        ExifTags.GPS.GPSLatitude: _to_dms(place.lat),
        ExifTags.GPS.GPSLongitudeRef: "E" if place.lon >= 0 else "W",
        ExifTags.GPS.GPSLongitude: _to_dms(place.lon),
    }
    return exif.tobytes()


def _to_dms(degrees: float) -> tuple[float, float, float]:
    """Degrees, minutes, seconds of an absolute angle, as EXIF wants them."""
    minutes, seconds = divmod(abs(degrees) * 3600, 60)
    whole, minutes = divmod(minutes, 60)
    return whole, minutes, round(seconds, 2)
