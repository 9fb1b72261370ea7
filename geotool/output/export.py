"""Results as text: the formats of `locate --format`, one result or error per input, in input order."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.core.records import (
    Candidate,
    Confidence,
    ItemError,
    MassBars,
    Photo,
    Place,
    Prediction,
    SearchTrace,
)
from geotool.core.report import Report, SilentReport
from geotool.output.geo_formats import to_geojson, to_kml
from geotool.output.report_page import to_report
from geotool.output.spreadsheet import to_csv
from geotool.output.tables import to_table

Result = Prediction | ItemError


def to_text(
    results: Sequence[Result],
    format: str,
    settings: Mapping[str, object] | None = None,
    report: Report | None = None,
) -> str:
    """All results in one of FORMATS; the page also names the `settings` they were made with.

    `report` hears of the progress: the page reads every photo again for its small picture.
    Raises UsageError for another format.
    """
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", f"Choose from {', '.join(FORMATS)}.")
    if format == REPORT_FORMAT:
        return to_report(results, settings or {}, report or SilentReport())
    return DATA_FORMATS[format](results)


def write(text: str, path: Path) -> None:
    """Write UTF-8 text, replacing the file only once all of it is on disk.

    Raises UsageError where the folder does not exist or cannot be written to.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        # A file name may hold bytes that are no text; JSON reads its \\udc80 back as the same name.
        temporary.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        temporary.replace(path)
    except OSError as error:
        temporary.unlink(missing_ok=True)
        reason = error.strerror or "unknown reason"
        raise UsageError(f"{path} cannot be written: {reason}.", "Choose another file.") from error


def check_writable(path: Path) -> None:
    """Say before long work what `write` would say after it. Raises UsageError."""
    if path.is_dir():
        raise UsageError(f"{path} is a folder.", "Name a file in it.")
    if not path.parent.is_dir():
        raise UsageError(f"There is no folder {path.parent} to write into.", "Make it, or choose another.")


def to_json(results: Sequence[Result]) -> str:
    """The document of `results_document` as text; raises ValueError where a number is not finite."""
    return json.dumps(results_document(results), indent=1, ensure_ascii=False, allow_nan=False)


def results_document(results: Sequence[Result]) -> dict[str, Any]:
    """Predictions and errors as plain JSON values: {"results": [...], "errors": [...]}."""
    return {
        "results": [prediction_to_json(result) for result in results if isinstance(result, Prediction)],
        "errors": [error_to_json(result) for result in results if isinstance(result, ItemError)],
    }


def prediction_to_json(prediction: Prediction) -> dict[str, Any]:
    """One entry of "results". Scripts depend on these keys: only add to them."""
    return {
        "photo": _photo_to_json(prediction.photo),
        "candidates": [_candidate_to_json(candidate) for candidate in prediction.candidates],
        "places": [_place_to_json(place) for place in prediction.places],
        "confidence": _confidence_to_json(prediction.confidence),
        "error_km": prediction.error_km,
        "search": _search_to_json(prediction.search),
        "model": {"name": prediction.model.name, "fingerprint": prediction.model.fingerprint},
        "timings_s": dict(prediction.timings_s),
    }


def error_to_json(error: ItemError) -> dict[str, str]:
    """One entry of "errors"."""
    return {"path": str(error.path), "stage": error.stage, "message": error.message}


def _photo_to_json(photo: Photo) -> dict[str, Any]:
    truth = photo.truth and {**_location_to_json(photo.truth), "source": photo.truth_source}
    return {"path": str(photo.path), "photo_id": photo.photo_id, "truth": truth}


def _location_to_json(location: LatLon) -> dict[str, float]:
    return {"lat": float(location.lat), "lon": float(location.lon)}


def _candidate_to_json(candidate: Candidate) -> dict[str, Any]:
    return {
        "rank": candidate.rank,
        **_location_to_json(candidate.location),
        "cosine": float(candidate.cosine),
    }


def _place_to_json(place: Place) -> dict[str, Any]:
    return {
        **_location_to_json(place.center),
        "radius_km": float(place.radius_km),
        "mass": float(place.mass),
        "name": place.name,
        "admin1": place.admin1,
        "country_code": place.country_code,
    }


def _confidence_to_json(confidence: Confidence | None) -> dict[str, Any] | None:
    if confidence is None:
        return None
    return {
        "radius50_km": confidence.radius50_km,
        "radius80_km": confidence.radius80_km,
        "level": confidence.level,
    }


def _search_to_json(search: SearchTrace | None) -> dict[str, Any] | None:
    if search is None:
        return None
    return {
        "comparisons": search.comparisons,
        "gallery_size": search.gallery_size,
        "path": [asdict(level) for level in search.path],
        "bars": [_bars_to_json(bars) for bars in search.bars],
    }


def _bars_to_json(bars: MassBars) -> dict[str, Any]:
    shares = [{"name": name, "mass": mass} for name, mass in bars.shares]
    return {"level": bars.level, "shares": shares, "others": bars.others}


DATA_FORMATS: dict[str, Callable[[Sequence[Result]], str]] = {
    "table": to_table,
    "json": to_json,
    "csv": to_csv,
    "geojson": to_geojson,
    "kml": to_kml,
}
REPORT_FORMAT = "html"
FORMATS = (*DATA_FORMATS, REPORT_FORMAT)
