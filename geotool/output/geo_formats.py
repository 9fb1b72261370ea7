"""GeoJSON (RFC 7946) and KML 2.2: the two formats here that write longitude first."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from pathlib import PurePath
from typing import Any
from xml.etree import ElementTree

from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction
from geotool.output.numbers import format_km

XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>'
KML_NAMESPACE = "http://www.opengis.net/kml/2.2"


def to_geojson(results: Sequence[Prediction | ItemError]) -> str:
    """A FeatureCollection: a point per candidate and per truth; failures as the member "errors"."""
    predictions, errors = _split(results)
    document = {
        "type": "FeatureCollection",
        "features": [feature for prediction in predictions for feature in _features(prediction)],
        "errors": [{"photo": str(error.path), "message": error.message} for error in errors],
    }
    return json.dumps(document, indent=1, ensure_ascii=False, allow_nan=False)


def _split(results: Iterable[Prediction | ItemError]) -> tuple[list[Prediction], list[ItemError]]:
    results = list(results)
    predictions = [result for result in results if isinstance(result, Prediction)]
    return predictions, [result for result in results if isinstance(result, ItemError)]


def _features(prediction: Prediction) -> Iterable[dict[str, Any]]:
    photo = {"photo": str(prediction.photo.path), "photo_id": prediction.photo.photo_id}
    for candidate in prediction.candidates:
        found = {"role": "candidate", "rank": candidate.rank, "cosine": float(candidate.cosine)}
        if candidate.rank == 1:
            found["error_km"] = prediction.error_km
        yield _feature(candidate.location, {**photo, **found})
    if prediction.photo.truth is not None:
        yield _feature(
            prediction.photo.truth, {**photo, "role": "truth", "source": prediction.photo.truth_source}
        )


def _feature(location: LatLon, properties: dict[str, Any]) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [float(location.lon), float(location.lat)]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


def to_kml(results: Sequence[Prediction | ItemError]) -> str:
    """One folder per photo with a placemark per candidate, one for the truth and the line between."""
    ElementTree.register_namespace("", KML_NAMESPACE)
    root = ElementTree.Element(f"{{{KML_NAMESPACE}}}kml")
    document = _child(root, "Document")
    _child(document, "name", "geotool")
    for result in results:
        _add_folder(document, result)
    ElementTree.indent(root)
    return f"{XML_HEAD}\n{ElementTree.tostring(root, encoding='unicode')}\n"


def _add_folder(document: ElementTree.Element, result: Prediction | ItemError) -> None:
    folder = _child(document, "Folder")
    path = result.path if isinstance(result, ItemError) else result.photo.path
    _child(folder, "name", PurePath(path).name)
    if isinstance(result, ItemError):
        _child(folder, "description", result.message)
        return
    for candidate in result.candidates:
        note = f"cosine {candidate.cosine:.3f}"
        _add_placemark(folder, f"Candidate {candidate.rank}", note, candidate.location)
    truth, best = result.photo.truth, result.best
    if truth is not None:
        _add_placemark(folder, "Truth", f"source: {result.photo.truth_source}", truth)
    if truth is not None and best is not None and result.error_km is not None:
        _add_placemark(folder, "Error", format_km(result.error_km), best, truth)


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
