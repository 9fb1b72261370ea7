"""The heat of the photo on the map: computed once its layer is switched on, given up when unseen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geotool.core.report import Report
from geotool.output.heat_image import heat_overlay
from geotool.output.numbers import format_share
from geotool.ui.background import Background
from geotool.ui.locating import Locating
from geotool.ui.state import Item

if TYPE_CHECKING:
    from geotool.engine import Engine

TELL_EVERY_S = 0.5
NO_MODEL = "No model is ready: choose one, then switch this layer on again."
OTHER_MODEL = "Another model gave this answer. Locate again to see the heat of the one in use."

Overlay = dict[str, Any]  # what the map draws, {"image", "bounds"}, or says: {"note"}


class Heating:
    """Works on the heats that pages have asked for, each named by the map it is for."""

    def __init__(self, locating: Locating) -> None:
        self._locating = locating
        self._works: dict[str, Background[Overlay]] = {}

    def run(self, item: Item, key: str) -> Iterator[Overlay]:
        """How far it is, and last the heat or the reason why there is none. Nothing more once stopped."""
        engine, prediction = self._locating.host.state().engine, item.prediction
        if engine is None or prediction is None:
            yield {"note": NO_MODEL}
        elif prediction.model != engine.stamp:
            yield {"note": OTHER_MODEL}
        else:
            restricted, path = self._locating.restrict(engine, item.within), prediction.photo.path
            work = self._works[key] = Background[Overlay]("geotool-heat")
            work.start(lambda report: _find_overlay(restricted, path, report))
            try:
                yield from self._follow(work, key)
            finally:
                work.close()
                self._works.pop(key, None)

    def stop(self, key: str) -> None:
        """Nobody looks at that map any more, or its layer is off."""
        work = self._works.pop(key, None)
        if work is not None:
            work.stop()

    def _follow(self, work: Background[Overlay], key: str) -> Iterator[Overlay]:
        state = work.wait(TELL_EVERY_S)
        while state.phase == "running":
            if state.share is not None:
                yield {"note": f"Being computed: {format_share(state.share)}."}
            state = work.wait(TELL_EVERY_S)
        if key in self._works:
            yield state.result or {"note": state.message}


def _find_overlay(engine: Engine, path: Path, report: Report) -> Overlay:
    return heat_overlay(engine.find_heat(path, report))
