"""What an answer is called: the names of places, and what the measured radii mean. Never a probability."""

from __future__ import annotations

from geotool.core.records import Confidence, Place, Prediction
from geotool.core.regions import find_region
from geotool.output.numbers import format_latlon, format_radius

UNKNOWN_MESSAGE = "This model cannot say where the picture was taken."


def verdict(prediction: Prediction) -> str:
    """What to think of the answer: unknown, or what its radii mean, or nothing where none were measured."""
    if prediction.best is None or prediction.is_unknown:
        return UNKNOWN_MESSAGE
    return trust(prediction.confidence)


def place_name(place: Place) -> str:
    """ "Arezzo, Tuscany, Italy", each part once; the coordinates where nothing there has a name."""
    country = find_region(place.center.lat, place.center.lon).country or place.country_code
    parts = dict.fromkeys(part for part in (place.name, place.admin1, country) if part)
    return ", ".join(parts) or format_latlon(place.center)


def trust(confidence: Confidence | None) -> str:
    """ "City level: half of such answers are within 12 km, four out of five within 240 km."

    Empty where it was not measured.
    """
    if confidence is None or confidence.radius50_km is None:
        return ""
    level = confidence.level.capitalize()
    words = f"{level} level: half of such answers are within {format_radius(confidence.radius50_km)}"
    if confidence.radius80_km is not None:
        words += f", four out of five within {format_radius(confidence.radius80_km)}"
    return f"{words}."
