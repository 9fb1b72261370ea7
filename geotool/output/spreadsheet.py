"""Results as CSV: the answer first, and no text that a spreadsheet would run."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Sequence

from geotool.core.records import Candidate, ItemError, Place, Prediction
from geotool.output.place_words import UNKNOWN_MESSAGE, verdict
from geotool.output.tables import format_path

# The order of reading: what is the row, where is it, how far to trust it, how far off; then how it was found.
COLUMNS = (
    *("photo", "role", "rank", "name", "admin1", "country_code", "lat", "lon", "radius_km", "mass"),
    *("level", "radius50_km", "radius80_km"),
    *("truth_lat", "truth_lon", "truth_source", "error_km", "message"),
    *("cosine", "path", "comparisons", "photo_id"),
)
# What starts a formula, also in its full-width form, at the start of a cell or of what other
# settings of the spreadsheet take for one: some separate by semicolons, whatever the file says.
FORMULA = re.compile(r"(^|[;\t\r\n])(?=\s*[=+\-@\uff1d\uff0b\uff0d\uff20]|[\t\r\n])")

Row = dict[str, object]


def to_csv(results: Sequence[Prediction | ItemError]) -> str:
    """Photo by photo one row per place, then one per candidate; one row with a message per input without any.

    The first row of a photo is its answer (role "place", rank 1), and what is said once (error, confidence,
    path) stands there alone: filtered by these two, there is one row per photo.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for result in results:
        for row in _rows(result):
            writer.writerow({name: without_formula(value) for name, value in row.items()})
    return text.getvalue()


def without_formula(value: object) -> object:
    """Text that a spreadsheet would take for a formula gets a quote in front; numbers stay."""
    return FORMULA.sub(r"\1'", value) if isinstance(value, str) else value


def _rows(result: Prediction | ItemError) -> Iterable[Row]:
    if isinstance(result, ItemError):
        yield {"photo": str(result.path), "message": result.message}
        return
    rows = [_place_row(rank, place) for rank, place in enumerate(result.places, start=1)]
    rows += [_candidate_row(candidate) for candidate in result.candidates]
    first, *others = rows or [{}]
    for row in ({**_answer(result), **first}, *others):
        yield {**_photo(result), **row}


def _photo(prediction: Prediction) -> Row:
    photo = prediction.photo
    row: Row = {"photo": str(photo.path), "photo_id": photo.photo_id}
    if photo.truth is not None:
        row |= {"truth_lat": photo.truth.lat, "truth_lon": photo.truth.lon}
        row |= {"truth_source": photo.truth_source}
    return row


def _place_row(rank: int, place: Place) -> Row:
    return {
        "role": "place",
        "rank": rank,
        "lat": place.center.lat,
        "lon": place.center.lon,
        "name": place.name,
        "admin1": place.admin1,
        "country_code": place.country_code,
        "radius_km": float(place.radius_km),
        "mass": float(place.mass),
    }


def _candidate_row(candidate: Candidate) -> Row:
    return {
        "role": "candidate",
        "rank": candidate.rank,
        "lat": candidate.location.lat,
        "lon": candidate.location.lon,
        "cosine": float(candidate.cosine),
    }


def _answer(prediction: Prediction) -> Row:
    row: Row = {"error_km": prediction.error_km}
    if verdict(prediction) == UNKNOWN_MESSAGE:
        row["message"] = UNKNOWN_MESSAGE
    if prediction.search is not None:
        row |= {"path": format_path(prediction.search), "comparisons": prediction.search.comparisons}
    if prediction.confidence is not None:
        confidence = prediction.confidence
        row |= {"level": confidence.level}
        row |= {"radius50_km": confidence.radius50_km, "radius80_km": confidence.radius80_km}
    return row
