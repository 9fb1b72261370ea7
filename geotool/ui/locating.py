"""The loop over dropped photos: waits for the model, asks it, and tells the page how far it is."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from geotool.answer.restriction import Restriction
from geotool.core.errors import GeotoolError, UsageError
from geotool.ui.model_host import LoadState, ModelHost
from geotool.ui.state import UNDONE, Item, LocateState

if TYPE_CHECKING:
    from geotool.engine import Engine

WAIT_STEP_S = 0.4  # how often a waiting page hears how far the model is
DRAW_EVERY_S = 0.4  # how often a page hears how far a batch is; each time all its rows travel
SHOWN_BY_BROWSERS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF", "BMP")


class Locating:
    """Takes the photos of a state one after the other. Each step is a state to draw."""

    def __init__(self, host: ModelHost, folder: Path) -> None:
        self.host, self.folder = host, folder
        self._restricted: tuple[Engine, Restriction | None, Engine] | None = None

    def run(self, state: LocateState) -> Iterator[LocateState]:
        """Locate every item that has a file and no result; the last state is the end of it."""
        yield from self._wait_for_model(state)
        todo = [i for i, item in enumerate(state.items) if item.path and item.status in UNDONE]
        start, drawn = time.monotonic(), 0.0
        for done, index in enumerate(todo):
            if state.wishes.stop:
                break
            state = self._with_wishes(replace(state, left_s=time_left_s(start, done, len(todo))))
            state = state.with_item(index, replace(state.items[index], status="working"))
            if time.monotonic() - drawn > DRAW_EVERY_S:
                yield state
                drawn = time.monotonic()
            state = state.with_item(index, self.answer(state.items[index], state.within))
        yield self._with_wishes(state).stopped()

    def answer(self, item: Item, within: Restriction | None) -> Item:
        """The item with its result, or with the reason why there is none."""
        engine = self.host.state().engine
        if item.path is None:
            return item
        if engine is None:
            return item.with_problem(self.host.state().message)
        try:
            [result] = self.restrict(engine, within).locate_many([item.path])
        except UsageError as error:  # the gallery has no point there
            return item.with_problem(str(error))
        located = self._with_preview(replace(item.with_result(result), within=within))
        if item.edited is None:
            return located
        both = located.with_edited(self.answer(item.edited, within))
        return replace(both, shows_edited=item.shows_edited)

    def restrict(self, engine: Engine, within: Restriction | None) -> Engine:
        """The restricted engine, made once for all photos of a batch."""
        kept = self._restricted
        if kept is None or kept[0] is not engine or kept[1] != within:
            self._restricted = kept = (engine, within, engine.within(within))
        return kept[2]

    @staticmethod
    def _with_wishes(state: LocateState) -> LocateState:
        """The photo that was picked meanwhile."""
        wanted = state.wishes.selected
        return state if wanted is None else state.with_selected(wanted)

    def _wait_for_model(self, state: LocateState) -> Iterator[LocateState]:
        """States that say why the work has not begun, until the model is there or has failed."""
        load = self.host.state()
        while load.phase in ("idle", "loading") and not state.wishes.stop:
            yield replace(state, waiting_for=waiting_words(load), waiting_share=load.share)
            load = self.host.wait(WAIT_STEP_S)

    def _with_preview(self, item: Item) -> Item:
        """Browsers cannot show every format: give those a JPEG of our own."""
        prediction = item.prediction
        if prediction is None or item.preview_url or prediction.photo.format.upper() in SHOWN_BY_BROWSERS:
            return item
        from geotool.photos import read_photo, write_preview

        try:
            preview = write_preview(read_photo(prediction.photo.path)[1], self.folder)
        except GeotoolError:  # the file went away in between: the answer stands without its picture
            return item
        return replace(item, preview_url=f"/gradio_api/file={preview}")


def time_left_s(start: float, done: int, total: int) -> float | None:
    """By the pace so far; None before the first photo is done."""
    return (time.monotonic() - start) / done * (total - done) if done else None


def waiting_words(load: LoadState) -> str:
    step = f" ({load.step})" if load.step else ""
    return f"The model is being loaded{step}; your photo comes next."
