"""Zoom: places between the gallery's points, encoded on the fly on local grids that get finer and finer."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import from_xyz, haversine_km, to_xyz
from geotool.gallery.gallery import LocationModel

FINEST_KM = 5.0  # finer costs more and gains nothing, by `bench zoom`
_RINGS = 4  # around the middle of a lattice: 61 points, each level 4 times finer than the one before
_NEIGHBOURS = 6  # as many as surround a point of an even lattice


@dataclass(frozen=True, slots=True, kw_only=True)
class Zoomed:
    """Where the starts of a zoom ended, in their order, and how many points were encoded for that."""

    latlon_deg: np.ndarray  # (P, 2) float64
    cosines: np.ndarray  # (P,) float32
    encoded: int


def zoom(
    model: LocationModel,
    query: np.ndarray,
    start_deg: np.ndarray,
    spacing_km: float | np.ndarray,
    finest_km: float = FINEST_KM,
) -> Zoomed:
    """Climb from each of (P, 2) places to the best-matching point near it.

    `query` is a (D,) unit vector; `spacing_km`, one or (P,), is how far apart the gallery's points
    lie there: the first lattice reaches that far, and each later one as far as the step of the one
    before, until the step is at most `finest_km`. A start is scored too, so no place gets worse.
    """
    best_deg = np.array(start_deg, dtype=np.float64)  # (P, 2)
    best = np.full(len(best_deg), -np.inf, dtype=np.float32)  # (P,)
    reach_km = np.broadcast_to(np.asarray(spacing_km, dtype=np.float64), best.shape)
    lattice, encoded = hexagonal_lattice(_RINGS), 0
    while len(best_deg):
        step_km = reach_km / _RINGS
        around = spread_around(best_deg, lattice[None] * step_km[:, None, None])  # (P, M, 2)
        found, cosines = _best_of(model, query, around)
        better = cosines > best
        best_deg[better], best[better] = found[better], cosines[better]
        encoded += around.shape[0] * around.shape[1]
        if step_km.max() <= finest_km:
            break
        reach_km = step_km
    return Zoomed(latlon_deg=best_deg, cosines=best, encoded=encoded)


def find_spacing_km(latlon_deg: np.ndarray, points_deg: np.ndarray) -> np.ndarray:
    """How far apart a gallery's (N, 2) points lie around (P, 2) places: (P,) km.

    The median distance to the six nearest but one, which is the place itself if it is a gallery point.
    A gallery of one point has no spacing: half the Earth's girth then.
    """
    if len(latlon_deg) < 2:
        return np.full(len(points_deg), np.pi * EARTH_RADIUS_KM)
    return np.array([np.median(_nearest_km(latlon_deg, point)[1:]) for point in points_deg])


def _nearest_km(latlon_deg: np.ndarray, point_deg: np.ndarray) -> np.ndarray:
    """Distances from one place to the nearest of (N, 2) points, rising; at least two of them.

    Only points in a band of latitude are measured; those outside are farther than the band is high,
    so it is widened until the answer lies within.
    """
    count = min(_NEIGHBOURS + 1, len(latlon_deg))
    reach_km = 2 * EARTH_RADIUS_KM * np.sqrt(4 * np.pi / len(latlon_deg))  # two steps of an even gallery
    while True:
        reach_deg = np.degrees(reach_km / EARTH_RADIUS_KM)
        band = latlon_deg[abs(latlon_deg[:, 0] - point_deg[0]) <= reach_deg]  # (n, 2)
        if len(band) >= count:
            nearest = np.sort(np.partition(haversine_km(band, point_deg), count - 1)[:count])
            if nearest[-1] <= reach_km or len(band) == len(latlon_deg):
                return nearest
        reach_km *= 4


def hexagonal_lattice(rings: int) -> np.ndarray:
    """(3 rings (rings + 1) + 1, 2) points of a plane, 1 apart, in rings around the first, the origin."""
    q, r = np.mgrid[-rings : rings + 1, -rings : rings + 1].reshape(2, -1)
    q, r = (axis[abs(q + r) <= rings] for axis in (q, r))
    order = np.argsort(np.maximum(abs(q), np.maximum(abs(r), abs(q + r))), kind="stable")
    return np.stack([q + r / 2, r * np.sqrt(3) / 2], axis=1)[order]


def spread_around(centers_deg: np.ndarray, offsets_km: np.ndarray) -> np.ndarray:
    """Carry (P, M, 2) plane offsets onto the sphere around (P, 2) centres: (P, M, 2) degrees.

    The exponential map, cos(a) p + sin(a) t: distances from the centre are true everywhere. Which way
    the plane is turned is arbitrary, so that the poles are places like any other. A zero offset gives
    the centre's own numbers.
    """
    center = to_xyz(centers_deg)  # (P, 3)
    axis = np.eye(3)[np.argmin(abs(center), axis=1)]  # (P, 3): far from the centre, so never parallel
    right = np.cross(axis, center)
    right /= np.linalg.norm(right, axis=1, keepdims=True)
    tangents = np.stack([right, np.cross(center, right)], axis=1)  # (P, 2, 3)
    angles = np.linalg.norm(offsets_km, axis=2, keepdims=True) / EARTH_RADIUS_KM  # (P, M, 1)
    # sinc(a / pi) is sin(a) / a, and 1 where a is 0.
    sideways = (offsets_km @ tangents) / EARTH_RADIUS_KM * np.sinc(angles / np.pi)  # (P, M, 3)
    points = from_xyz(np.cos(angles) * center[:, None] + sideways)
    return np.where(angles == 0, centers_deg[:, None], points)


def _best_of(
    model: LocationModel, query: np.ndarray, points_deg: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The best of (P, M, 2) points per row: (P, 2) degrees and (P,) cosines, in one call of the encoder."""
    vectors = model.encode_locations(points_deg.reshape(-1, 2))  # (P M, D)
    cosines = (vectors @ query).reshape(points_deg.shape[:2])  # (P, M)
    rows, columns = np.arange(len(points_deg)), cosines.argmax(axis=1)
    return points_deg[rows, columns], cosines[rows, columns]
