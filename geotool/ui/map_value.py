"""What the map's frame gets: the document of the answer that is shown, and what is laid over it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from geotool.core.records import Prediction
from geotool.output.map_geometry import truth_overlay
from geotool.output.maps import build_map
from geotool.ui.state import LocateState

DECIMALS = 3  # about 100 m: a dot of a batch is seen on a map of the world


def with_map(state: LocateState) -> LocateState:
    """The state with the map of the answer that is shown; the document is made anew only for another one."""
    prediction = _on_map(state)
    if prediction is state.map_of:
        return state
    return replace(state, map_html=build_map(prediction), map_of=prediction)


def map_value(state: LocateState) -> dict[str, Any]:
    """The document, the truth with its error line, and the other photos of a batch as dots."""
    prediction = state.shown.prediction if state.shown is not None else None
    if prediction is not None and prediction.is_unknown:  # a truth may be known, but no answer to measure
        prediction = replace(prediction, candidates=(), places=())
    overlay = truth_overlay(prediction) if prediction is not None else None
    return {"document": state.map_html, "overlay": overlay, "dots": dots(state)}


def dots(state: LocateState) -> list[list[Any]]:
    """[lat, lon, index, name] of the answers of all other photos."""
    return [
        [round(best.lat, DECIMALS), round(best.lon, DECIMALS), index, item.name]
        for index, item in enumerate(state.items)
        if index != state.selected and (best := _best(item.prediction)) is not None
    ]


def _best(prediction: Prediction | None) -> Any:
    return None if prediction is None or prediction.is_unknown else prediction.best


def _on_map(state: LocateState) -> Prediction | None:
    """An unknown answer has no pins, even where candidates are kept with it."""
    prediction = state.shown.prediction if state.shown is not None else None
    return None if prediction is None or prediction.is_unknown else prediction
