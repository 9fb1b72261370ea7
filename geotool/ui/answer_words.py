"""The sentence that is the answer: a place, how sure, and what the radius means. Never a probability."""

from __future__ import annotations

from geotool.core.geo import LatLon
from geotool.core.records import Confidence, Place, Prediction
from geotool.core.regions import find_region
from geotool.output.numbers import format_latlon, format_radius
from geotool.output.place_words import place_name

LEVELS = ("continent", "country", "region", "city", "street")  # from coarse to fine
UNKNOWN_TITLE = "This photo does not say where it was taken."
UNKNOWN_WORDS = (
    "Its best matches lie too far apart to name a place. What would help: a wider view, a sign or a building,"
    " another photo of the same place, or a restriction to the countries in question."
)
UNMEASURED = "A lead, not a finding: how far to trust this model's answers has not been measured here."


def title(prediction: Prediction) -> str:
    """ "Probably the Arezzo area, Tuscany, Italy." by the level; the best match where none was measured."""
    assert prediction.best is not None
    place = prediction.places[0] if prediction.places else None
    if prediction.confidence is None or not is_calibrated(prediction.confidence):
        return f"Best match near {best_name(prediction)}"
    return _by_level(prediction.confidence.level, place, prediction.best)


def best_name(prediction: Prediction) -> str:
    """The first place by its name; the coordinates of the answer where no name is known; else nothing."""
    if prediction.is_unknown or prediction.best is None:
        return ""
    return place_name(prediction.places[0]) if prediction.places else format_latlon(prediction.best)


def is_calibrated(confidence: Confidence | None) -> bool:
    return confidence is not None and confidence.radius50_km is not None


def is_measured_unknown(prediction: Prediction) -> bool:
    """Unknown because the candidates say so; not because the picture is of a kind the model does not know."""
    confidence = prediction.confidence
    return prediction.is_unknown and bool(prediction.candidates or (confidence and confidence.calibration))


def _by_level(level: str, place: Place | None, best: LatLon) -> str:
    region = find_region(best.lat, best.lon)
    country = region.country or f"the waters around {format_latlon(best)}"
    admin1 = place.admin1 if place is not None else None
    if level == "street":
        return f"Probably in {place_name(place) if place else format_latlon(best)}."
    if level == "city":
        return f"Probably {_area(place, best, region.country)}."
    if level == "region":
        return f"Somewhere in or near {_joined(admin1, country)}."
    if level == "country":
        return f"Somewhere in or near {country}."
    return f"Somewhere in {region.continent or f'the wider surroundings of {format_latlon(best)}'}."


def _area(place: Place | None, best: LatLon, country: str | None) -> str:
    if place is None or not place.name:
        return f"the area around {format_latlon(best)}"
    return _joined(f"the {place.name} area", place.admin1, country)


def _joined(*parts: str | None) -> str:
    """The parts that are there, each once: Luxembourg is a city, a region and a country."""
    return ", ".join(dict.fromkeys(part for part in parts if part))


def trust(confidence: Confidence | None) -> str:
    """What the radii mean, in plain words."""
    if confidence is None or confidence.radius50_km is None:
        return UNMEASURED
    words = f"Half of such answers are within {format_radius(confidence.radius50_km)}"
    if confidence.radius80_km is not None:
        words += f", four out of five within {format_radius(confidence.radius80_km)}"
    return f"{words}."
