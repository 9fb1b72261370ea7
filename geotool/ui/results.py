"""The batch as rows for the results table, and its progress in words: plain JSON for its script."""

from __future__ import annotations

from typing import Any

from geotool.core.records import Prediction
from geotool.output.numbers import format_count, format_km
from geotool.ui.answer_words import best_name, is_calibrated
from geotool.ui.state import UNDONE, Item, LocateState, Status

STATES: dict[Status, str] = {
    "waiting": "waiting",
    "working": "working",
    "answer": "located",
    "unknown": "no answer",
    "error": "not read",
    "stopped": "stopped",
}
FORMATS = {"csv": "CSV", "json": "JSON", "geojson": "GeoJSON", "kml": "KML", "html": "HTML report"}


def results_value(state: LocateState, with_rows: bool = True) -> dict[str, Any]:
    """What the results table draws; no rows for a single photo, which has its answer beside it.

    Without rows (None) the table keeps those it has: thousands need not travel for another selection.
    """
    common = {"selected": state.selected, "busy": state.busy, "words": progress_words(state)}
    if not with_rows:
        return {"rows": None, **common}
    rows = [to_row(index, item) for index, item in enumerate(state.items)] if len(state.items) > 1 else []
    return {"rows": rows, **common}


def to_row(index: int, item: Item) -> dict[str, Any]:
    """One photo: its place, level, error and state; `error_km` is what the column is sorted by."""
    prediction = item.prediction
    error_km = prediction.error_km if prediction is not None else None
    return {
        "index": index,
        "name": item.name,
        "state": item.status,
        "words": STATES[item.status],
        "place": best_name(prediction) if prediction is not None else item.message,
        "level": _level(prediction),
        "error_km": error_km,
        "error": "" if error_km is None else format_km(error_km),
    }


def _level(prediction: Prediction | None) -> str:
    if prediction is None or prediction.confidence is None:
        return ""
    known = is_calibrated(prediction.confidence) or prediction.is_unknown
    return prediction.confidence.level if known else ""


def progress_words(state: LocateState) -> str:
    """ "120 of 2 000 photos done, 3 not read. About 4 min left." """
    total = len(state.items)
    if total < 2:
        return ""
    done = sum(item.status not in UNDONE for item in state.items)
    failed = sum(item.status == "error" for item in state.items)
    words = f"{format_count(done)} of {format_count(total)} photos done"
    words += f", {format_count(failed)} not read." if failed else "."
    if state.busy and state.waiting_for:
        words += f" {state.waiting_for}"
    elif state.busy and state.left_s is not None:
        words += f" About {_duration(state.left_s)} left."
    return words


def _duration(seconds: float) -> str:
    return f"{seconds / 60:.0f} min" if seconds >= 90 else f"{max(1, seconds):.0f} s"
