"""Arrays of points on the sphere. Shapes: N points; `latlon_deg` (N, 2), `xyz` (N, 3) unit vectors."""

from __future__ import annotations

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM


def haversine_km(a_deg: np.ndarray, b_deg: np.ndarray) -> np.ndarray:
    """Great-circle distances in km between (..., 2) arrays of lat, lon degrees, broadcast together."""
    a, b = np.radians(a_deg, dtype=np.float64), np.radians(b_deg, dtype=np.float64)
    half_lat = np.sin((b[..., 0] - a[..., 0]) / 2) ** 2
    half_lon = np.sin((b[..., 1] - a[..., 1]) / 2) ** 2
    chord = half_lat + np.cos(a[..., 0]) * np.cos(b[..., 0]) * half_lon
    return 2 * EARTH_RADIUS_KM * np.arcsin(np.sqrt(np.minimum(1.0, chord)))


def to_xyz(latlon_deg: np.ndarray) -> np.ndarray:
    """(N, 2) degrees -> (N, 3) unit vectors: the form without a seam at the antimeridian."""
    lat, lon = np.radians(latlon_deg, dtype=np.float64).T  # (N,), (N,)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def from_xyz(xyz: np.ndarray) -> np.ndarray:
    """(N, 3) vectors of any positive length -> (N, 2) degrees."""
    unit = xyz / np.linalg.norm(xyz, axis=-1, keepdims=True)
    lat, lon = np.arcsin(np.clip(unit[..., 2], -1, 1)), np.arctan2(unit[..., 1], unit[..., 0])
    return np.degrees(np.stack([lat, lon], axis=-1))
