"""Lines on the ellipsoid for a flat map: points are [lat, lon] and longitudes may leave -180..180,
so that a line across the 180th meridian does not run around the world."""

from __future__ import annotations

from typing import Any

from geotool.core.geo import THRESHOLDS_KM, LatLon, geodesic_km
from geotool.core.records import Prediction
from geotool.output.bands import band_of
from geotool.output.numbers import THIN_SPACE, format_km

MapPoint = list[float]  # lat, lon in degrees
POINT_DISTANCE_KM = 50
MOST_POINTS = 200
RING_POINTS = 180
DECIMALS = 5  # about 1 m


def near(lon: float, reference: float) -> float:
    """The longitude moved by whole turns to within half a turn of `reference`."""
    return lon + 360 * round((reference - lon) / 360)


def to_map_point(location: LatLon, reference: float) -> MapPoint:
    return [location.lat, near(location.lon, reference)]


def geodesic_line(start: LatLon, end: LatLon) -> list[MapPoint]:
    """Points of the shortest line on WGS84 (Karney's algorithm), about one per 50 km."""
    from geographiclib.geodesic import Geodesic

    line = Geodesic.WGS84.InverseLine(start.lat, start.lon, end.lat, end.lon)
    steps = min(MOST_POINTS, max(1, int(line.s13 / 1000 / POINT_DISTANCE_KM)))
    positions = [line.Position(line.s13 * i / steps) for i in range(steps + 1)]
    return _unwrapped([(p["lat2"], p["lon2"]) for p in positions], start.lon)


def ring(center: LatLon, radius_km: float, reference: float) -> list[MapPoint]:
    """The closed circle of all points `radius_km` from the center.

    It starts towards the nearer pole, so that one around that pole spreads as far east as west.
    """
    from geographiclib.geodesic import Geodesic

    start_deg = 0 if center.lat >= 0 else 180
    azimuths_deg = [start_deg + 360 * i / RING_POINTS for i in range(RING_POINTS + 1)]
    points = [Geodesic.WGS84.Direct(center.lat, center.lon, a, radius_km * 1000) for a in azimuths_deg]
    return _unwrapped([(p["lat2"], p["lon2"]) for p in points], near(center.lon, reference))


def fill_of(outline: list[MapPoint], center: LatLon, radius_km: float) -> list[list[MapPoint]]:
    """The polygon to fill for a `ring`: the first of its rings is the outer one, others are holes.

    A circle around a pole is a wave from one edge of a flat map to the other, closed along that pole.
    One around both poles is the map, twice around, without what lies beyond the outline on either side.
    """
    west, east = min(outline[0][1], outline[-1][1]), max(outline[0][1], outline[-1][1])
    if east - west > 180:
        pole = 90.0 if center.lat >= 0 else -90.0
        return [[*outline, [pole, outline[-1][1]], [pole, outline[0][1]]]]
    if radius_km > _farther_pole_km(center):
        middle = near(center.lon, west)
        world = [[lat, middle + lon] for lat, lon in ((90, -360), (90, 360), (-90, 360), (-90, -360))]
        turn = 360 if outline[0][1] < middle else -360
        return [world, outline, [[lat, lon + turn] for lat, lon in outline]]
    return [outline]


def _farther_pole_km(center: LatLon) -> float:
    return geodesic_km(center, LatLon(lat=-90.0 if center.lat >= 0 else 90.0, lon=center.lon))


def _unwrapped(points: list[tuple[float, float]], reference: float) -> list[MapPoint]:
    flat = []
    for lat, lon in points:
        reference = near(lon, reference)
        flat.append([round(lat, DECIMALS), round(reference, DECIMALS)])
    return flat


def truth_overlay(prediction: Prediction) -> dict[str, Any]:
    """What the map draws for a known truth: star, rings, and the line from the answer with its length.

    Plain JSON values; "truth" is None where the truth is not known.
    """
    truth, best, error_km = prediction.photo.truth, prediction.best, prediction.error_km
    if truth is None:
        return {"truth": None}
    reference = truth.lon if best is None else best.lon
    overlay: dict[str, Any] = {"truth": to_map_point(truth, reference), "rings": _rings(truth, reference)}
    if best is not None and error_km is not None:
        line = geodesic_line(best, truth)
        overlay |= {"truth": line[-1], "line": line, "label": format_km(error_km), "band": band_of(error_km)}
        overlay["rings"] = _rings(truth, line[-1][1])
    return overlay


def _rings(truth: LatLon, reference: float) -> list[dict[str, Any]]:
    return [
        {
            "points": ring(truth, radius_km, reference),
            "label": f"{radius_km:,} km".replace(",", THIN_SPACE),
            "band": band,
        }
        for band, radius_km in enumerate(THRESHOLDS_KM)
    ]
