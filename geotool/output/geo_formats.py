"""GeoJSON (RFC 7946) and KML 2.2: the two formats here that write longitude first."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from typing import Any
from xml.etree import ElementTree

from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction
from geotool.output.numbers import format_km
from geotool.output.photo_names import short_names
from geotool.output.place_words import UNKNOWN_MESSAGE, place_name, verdict
from geotool.output.tables import format_extent

XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
LONE_SURROGATES = re.compile("[\ud800-\udfff]")
KML_NAMESPACE = "http://www.opengis.net/kml/2.2"


def to_geojson(results: Sequence[Prediction | ItemError]) -> str:
    """A FeatureCollection: a point per place, candidate and truth; failures as the member "errors".

    A photo without an answer is a feature without a geometry, which RFC 7946 calls unlocated.
    """
    errors = [result for result in results if isinstance(result, ItemError)]
    document = {
        "type": "FeatureCollection",
        "features": [
            feature for result in results if isinstance(result, Prediction) for feature in _features(result)
        ],
        "errors": [{"photo": str(error.path), "message": error.message} for error in errors],
    }
    text = json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)
    return LONE_SURROGATES.sub("\ufffd", text)  # strict readers refuse a whole file for one odd file name


def _features(prediction: Prediction) -> Iterable[dict[str, Any]]:
    photo = {"photo": str(prediction.photo.path), "photo_id": prediction.photo.photo_id}
    for number, (location, found) in enumerate(_points(prediction)):
        answer = _answer(prediction) if number == 0 else {}
        yield _feature(location, {**photo, **found, **answer})
    truth = prediction.photo.truth
    if truth is not None:
        yield _feature(truth, {**photo, "role": "truth", "source": prediction.photo.truth_source})


def _points(prediction: Prediction) -> Iterable[tuple[LatLon | None, dict[str, Any]]]:
    """Places, then candidates, each with its properties; the answer comes first."""
    if prediction.best is None:
        yield None, {"role": "unknown", "message": UNKNOWN_MESSAGE}
    for rank, place in enumerate(prediction.places, start=1):
        yield (
            place.center,
            {
                "role": "place",
                "rank": rank,
                "name": place.name,
                "admin1": place.admin1,
                "country_code": place.country_code,
                "radius_km": float(place.radius_km),
                "mass": float(place.mass),
            },
        )
    for candidate in prediction.candidates:
        found = {"role": "candidate", "rank": candidate.rank, "cosine": float(candidate.cosine)}
        yield candidate.location, found


def _answer(prediction: Prediction) -> dict[str, Any]:
    """What is said of the answer alone."""
    confidence = prediction.confidence
    if confidence is None:
        return {"error_km": prediction.error_km}
    return {
        "error_km": prediction.error_km,
        "level": confidence.level,
        "radius50_km": confidence.radius50_km,
        "radius80_km": confidence.radius80_km,
    }


def _feature(location: LatLon | None, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = None
    if location is not None:
        geometry = {"type": "Point", "coordinates": [float(location.lon), float(location.lat)]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def to_kml(results: Sequence[Prediction | ItemError]) -> str:
    """One folder per photo: a placemark per place, per candidate and for the truth, and the line between."""
    ElementTree.register_namespace("", KML_NAMESPACE)
    root = ElementTree.Element(f"{{{KML_NAMESPACE}}}kml")
    document = _child(root, "Document")
    _child(document, "name", "geotool")
    for name, result in zip(short_names(results), results, strict=True):
        _add_folder(document, name, result)
    ElementTree.indent(root)
    return f"{XML_HEAD}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _add_folder(document: ElementTree.Element, name: str, result: Prediction | ItemError) -> None:
    folder = _child(document, "Folder")
    _child(folder, "name", name)
    if isinstance(result, ItemError):
        _child(folder, "description", result.message)
        return
    _child(folder, "description", _describe(result))
    for place in result.places:
        _add_placemark(folder, place_name(place), format_extent(place), place.center)
    for candidate in result.candidates:
        note = f"cosine {candidate.cosine:.3f}"
        _add_placemark(folder, f"Candidate {candidate.rank}", note, candidate.location)
    truth, best = result.photo.truth, result.best
    if truth is not None:
        _add_placemark(folder, "Truth", f"source: {result.photo.truth_source}", truth)
    if truth is not None and best is not None and result.error_km is not None:
        _add_placemark(folder, "Error", format_km(result.error_km), best, truth)


def _describe(prediction: Prediction) -> str:
    return "\n".join(
        filter(None, (verdict(prediction), str(prediction.photo.path), f"sha256 {prediction.photo.photo_id}"))
    )


def _add_placemark(folder: ElementTree.Element, name: str, note: str, *points: LatLon) -> None:
    placemark = _child(folder, "Placemark")
    _child(placemark, "name", name)
    _child(placemark, "description", note)
    shape = _child(placemark, "Point" if len(points) == 1 else "LineString")
    if len(points) > 1:
        _child(shape, "tessellate", "1")  # follow the curve of the Earth
    _child(shape, "coordinates", " ".join(f"{float(p.lon)},{float(p.lat)}" for p in points))


def _child(parent: ElementTree.Element, tag: str, text: str = "") -> ElementTree.Element:
    element = ElementTree.SubElement(parent, f"{{{KML_NAMESPACE}}}{tag}")
    if text:
        # XML 1.0 has no control characters at all, and file names may hold some.
        element.text = "".join(c if c.isprintable() or c in "\n\t" else "\ufffd" for c in text)
    return element
