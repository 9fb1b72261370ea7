"""Points on the Earth and the distances between them (WGS84 degrees, `lat, lon` in this order)."""

from __future__ import annotations

import math
from dataclasses import dataclass

from geotool.core.errors import UsageError

EARTH_RADIUS_KM = 6371.0088  # IUGG mean radius, the one geopy's great_circle uses
THRESHOLDS_KM = (1, 25, 200, 750, 2500)  # street, city, region, country, continent


@dataclass(frozen=True, slots=True, kw_only=True)
class LatLon:
    """A point in degrees, WGS84. Longitude is wrapped to [-180, 180).

    Raises UsageError for values that are not finite or a latitude beyond the poles.
    """

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.lat) and math.isfinite(self.lon)):
            raise UsageError("The coordinates are not finite numbers.", "Give lat, lon in degrees.")
        if not -90 <= self.lat <= 90:
            raise UsageError(
                f"Latitude {self.lat:g} is outside -90..90.", "Give lat first, then lon, in degrees."
            )
        object.__setattr__(self, "lon", wrap_lon(self.lon))


def wrap_lon(lon: float) -> float:
    """The same meridian in [-180, 180); values already there keep every bit."""
    return lon if -180 <= lon < 180 else (lon + 180) % 360 - 180


def haversine_km(a: LatLon, b: LatLon) -> float:
    """Great-circle distance on the mean sphere, in km (haversine formula, stable for small angles)."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    half_lat = math.sin((lat_b - lat_a) / 2) ** 2
    half_lon = math.sin(math.radians(b.lon - a.lon) / 2) ** 2
    chord = half_lat + math.cos(lat_a) * math.cos(lat_b) * half_lon
    return 2 * EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, chord)))


def geodesic_km(a: LatLon, b: LatLon) -> float:
    """Distance on the WGS84 ellipsoid in km (Karney's algorithm, through geopy)."""
    from geopy.distance import geodesic

    return geodesic((a.lat, a.lon), (b.lat, b.lon)).km
