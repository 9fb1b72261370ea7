"""What the map's frame gets: the document of the answer that is shown, and what is laid over it."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import Any

from geotool.core.records import Prediction
from geotool.output.map_geometry import truth_overlay
from geotool.output.maps import build_map
from geotool.ui.restricting import area_outlines
from geotool.ui.state import DrawnMap, LocateState

DECIMALS = 3  # about 100 m: a dot of a batch is seen on a map of the world


def with_map(state: LocateState) -> LocateState:
    """The state with the map of the answer that is shown; the document is made anew only for another one."""
    prediction = _on_map(state)
    if prediction is state.drawn.of:
        return state
    document = build_map(prediction, heat_on_demand=True)
    return replace(state, drawn=DrawnMap(html=document, of=prediction, key=secrets.token_hex(8)))


def map_value(state: LocateState) -> dict[str, Any]:
    """The document with its key, the truth with its error line, the areas of a restriction, and the other
    photos of a batch as dots."""
    prediction = state.shown.prediction if state.shown is not None else None
    if prediction is not None and prediction.is_unknown:  # a truth may be known, but no answer to measure
        prediction = replace(prediction, candidates=(), places=())
    overlay = truth_overlay(prediction) if prediction is not None else None
    best = _best(prediction)
    areas = area_outlines(state.within, best.lon if best is not None else 0.0)
    value = {"document": state.drawn.html, "key": state.drawn.key, "overlay": overlay}
    return {**value, "areas": areas, "dots": dots(state)}


def heat_value(key: str, heat: dict[str, Any]) -> dict[str, Any]:
    """The heat for the document of that key, or a note in place of it."""
    return {"key": key, "heat": heat}


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
