"""What the map draws of an answer besides its pins: circles of confidence, and candidates by place."""

from __future__ import annotations

from typing import Any

from geotool.core.records import Candidate, Place, Prediction
from geotool.output.map_geometry import fill_of, ring, to_map_point
from geotool.output.numbers import format_latlon, format_radius, format_share


def answer_overlay(prediction: Prediction | None) -> dict[str, Any]:
    """Plain JSON values for static/map.js; "circles" and "places" are empty where there are none.

    A circle has its `outline`, the rings of its `fill`, a `label` and its `kind`: "half" (50 %) or
    "most" (80 %). A place has its number, its center and its candidates as [lat, lon, note].
    """
    if prediction is None or prediction.best is None:
        return {"circles": [], "places": []}
    reference = prediction.best.lon
    return {
        "circles": _circles(prediction),
        "places": [_place(number, place, reference) for number, place in enumerate(prediction.places, 1)],
    }


def candidate_note(candidate: Candidate) -> str:
    return f"Candidate {candidate.rank}: {format_latlon(candidate.location)}, cosine {candidate.cosine:.3f}"


def place_note(number: int, place: Place) -> str:
    names = ", ".join(name for name in (place.name, place.admin1, place.country_code) if name)
    where = f"{names} ({format_latlon(place.center)})" if names else format_latlon(place.center)
    return f"Place {number}: {where}, {format_share(place.mass)} of the candidates' weight"


def _circles(prediction: Prediction) -> list[dict[str, Any]]:
    confidence, best = prediction.confidence, prediction.best
    if confidence is None or best is None:
        return []
    radii = (("half", "50 %", confidence.radius50_km), ("most", "80 %", confidence.radius80_km))
    circles = []
    for kind, share, radius_km in radii:
        if radius_km:
            outline = ring(best, radius_km, best.lon)
            label = f"{share} within {format_radius(radius_km)}"
            fill = fill_of(outline, best, radius_km)
            circles.append({"kind": kind, "label": label, "outline": outline, "fill": fill})
    return circles


def _place(number: int, place: Place, reference: float) -> dict[str, Any]:
    center = to_map_point(place.center, reference)
    candidates = [
        [*to_map_point(candidate.location, center[1]), candidate_note(candidate)]
        for candidate in place.candidates
    ]
    return {"number": number, "center": center, "candidates": candidates}
