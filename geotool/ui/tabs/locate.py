"""The Locate tab: a photo in, a place on the map, its error where the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.core.coordinates import parse_latlon
from geotool.core.errors import GeotoolError, UsageError
from geotool.core.geo import LatLon
from geotool.core.paths import ASSETS_DIR
from geotool.core.records import TruthSource
from geotool.model.zoo import ModelInfo
from geotool.output.map_geometry import truth_overlay
from geotool.output.maps import build_map
from geotool.ui import present
from geotool.ui.components import QUIET, candidate_table, example_row, map_view, photo_box
from geotool.ui.model_host import LoadState, ModelHost
from geotool.ui.state import Item, LocateState
from geotool.ui.uploads import own_file

EXAMPLES_DIR = ASSETS_DIR / "examples"
EXAMPLES_URL = "/vendor/examples"
WAIT_STEP_S = 0.4  # how often a waiting page hears how far the model is
SHOWN_BY_BROWSERS = ("JPEG", "MPO", "PNG", "WEBP", "AVIF", "GIF", "BMP")

Updates = dict[Any, Any]  # component -> new value, as Gradio takes it


@dataclass(frozen=True)
class Parts:
    """The components of the tab that change."""

    state: gr.State
    box: gr.HTML
    again: gr.Button
    answer: gr.HTML
    remedy: gr.Button
    truth: gr.Textbox
    note: gr.HTML
    map: gr.HTML
    table: gr.HTML
    how: gr.Accordion
    details: gr.HTML

    def all(self) -> list[Any]:
        return list(vars(self).values())


class LocateTab:
    """Builds the tab and answers its events. Values live in LocateState, words in present."""

    def __init__(
        self, host: ModelHost, upload_folder: Path, list_models: Callable[[], Sequence[ModelInfo]]
    ) -> None:
        self.host = host
        self.list_models = list_models
        self.upload_folder = upload_folder
        self.examples = sorted(EXAMPLES_DIR.glob("*.jpg"))
        self.parts = self._build()
        self._connect()

    # --- layout

    def _build(self) -> Parts:
        from geotool.photos.formats import MAX_FILE_MB

        empty = LocateState(map_html=build_map())
        state = gr.State(empty)
        with gr.Row(equal_height=False, elem_id="gt-work"):
            with gr.Column(scale=2, min_width=340):
                box = photo_box(present.photo_box_value(empty), MAX_FILE_MB)
                with gr.Row(elem_id="gt-under"):
                    self.example_row = example_row(present.examples_html(EXAMPLES_URL, self.examples))
                    self.again = gr.Button("Locate again", size="sm", visible=False, elem_id="gt-again")
                answer = gr.HTML(present.answer_html(empty, self.host.state()), elem_id="gt-answer")
                remedy = gr.Button("Get a model for photographs", variant="primary", visible=False)
                truth, note = self._build_truth()
            with gr.Column(scale=3, min_width=340):
                shown_map = map_view({"document": empty.map_html, "overlay": None})
        table = candidate_table(present.candidates_html(None))
        with gr.Accordion("How this answer came about", open=False, visible=False) as how:
            details = gr.HTML(present.details_html(None))
        return Parts(state, box, self.again, answer, remedy, truth, note, shown_map, table, how, details)

    def _build_truth(self) -> tuple[gr.Textbox, gr.HTML]:
        with gr.Row(elem_id="gt-truth", equal_height=False):
            truth = gr.Textbox(
                label="Truth: where it was really taken",
                placeholder="48.8584, 2.2945",
                scale=3,
                min_width=180,
            )
            self.clear = gr.Button("Clear", size="sm", elem_id="gt-clear", min_width=80, scale=0)
        return truth, gr.HTML(present.truth_note(None))

    def _connect(self) -> None:
        parts = self.parts
        state, outputs = parts.state, parts.all()
        parts.box.photos(self.take_photos, state, outputs, trigger_mode="multiple", **QUIET)
        parts.box.pick(self.pick, state, outputs, trigger_mode="multiple", **QUIET)
        self.example_row.example(self.take_example, state, outputs, trigger_mode="multiple", **QUIET)
        self.again.click(self.locate_again, state, outputs, **QUIET)
        parts.map.truth(self.click_truth, state, outputs, trigger_mode="always_last", **QUIET)
        parts.truth.submit(self.type_truth, [state, parts.truth], outputs, **QUIET)
        parts.truth.blur(self.type_truth, [state, parts.truth], outputs, **QUIET)
        self.clear.click(self.clear_truth, state, outputs, **QUIET)

    # --- photos

    def take_photos(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        """Photos were dropped: each gets its result or its error."""
        items = tuple(self._to_item(file) for file in event.files)
        yield from self._locate(state, items)

    def _to_item(self, file: dict[str, Any]) -> Item:
        name, key = str(file.get("name", ""))[:255], str(file.get("key", ""))[:40]
        item = Item(key=key, name=name)
        if file.get("problem"):
            return item.with_problem(str(file["problem"])[:300])
        try:
            return replace(item, path=own_file(str(file.get("file", "")), self.upload_folder))
        except UsageError as error:
            return item.with_problem(str(error))

    def take_example(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        index = int(event.index)
        if not 0 <= index < len(self.examples):
            return
        path = self.examples[index]
        item = Item(key=path.name, name=path.name, path=path, preview_url=f"{EXAMPLES_URL}/{path.name}")
        yield from self._locate(state, (item,))

    def locate_again(self, state: LocateState) -> Iterator[Updates]:
        """Ask the model in use about the same photos, for instance after another one was chosen."""
        items = tuple(
            replace(item, status="waiting", result=None, message="") if item.path else item
            for item in state.items
        )
        if items:
            yield from self._locate(state, items)

    def pick(self, state: LocateState, event: gr.EventData) -> Updates:
        return self._show(with_map(state.with_selected(int(event.index))))

    def _locate(self, before: LocateState, items: tuple[Item, ...]) -> Iterator[Updates]:
        state = LocateState(items=items, map_html=before.map_html)
        for waiting in self._wait_for_model(state):
            yield self._show_progress(waiting)
        engine = self.host.state().engine
        for index, item in enumerate(items):
            if item.path is None:
                continue
            if engine is None:
                state = state.with_item(index, item.with_problem(self.host.state().message))
                continue
            state = state.with_item(index, replace(item, status="working"))
            yield self._show_progress(state)
            [result] = engine.locate_many([item.path])
            state = state.with_item(index, self._with_preview(item.with_result(result)))
        yield self._show(self._finish(before, state))

    def _wait_for_model(self, state: LocateState) -> Iterator[LocateState]:
        """States that say why the work has not begun, until the model is there or has failed."""
        load = self.host.state()
        while load.phase in ("idle", "loading"):
            yield replace(state, waiting_for=waiting_words(load), waiting_share=load.share)
            load = self.host.wait(WAIT_STEP_S)
        yield replace(state, waiting_for="")

    def _with_preview(self, item: Item) -> Item:
        """Browsers cannot show every format: give those a JPEG of our own."""
        prediction = item.prediction
        if prediction is None or item.preview_url or prediction.photo.format.upper() in SHOWN_BY_BROWSERS:
            return item
        from geotool.photos import read_photo, write_preview

        try:
            preview = write_preview(read_photo(prediction.photo.path)[1], self.upload_folder)
        except GeotoolError:  # the file went away in between: the answer stands without its picture
            return item
        return replace(item, preview_url=f"/gradio_api/file={preview}")

    @staticmethod
    def _finish(before: LocateState, after: LocateState) -> LocateState:
        """Show the first answer. One bad file alone leaves the old answer where it was."""
        readable = [i for i, item in enumerate(after.items) if item.status != "error"]
        if not readable and before.items and len(after.items) == 1:
            bad = after.items[0]
            return replace(before, notice=f"{bad.name} was not read. {bad.message}")
        return with_map(replace(after, selected=readable[0] if readable else 0))

    # --- truth

    def click_truth(self, state: LocateState, event: gr.EventData) -> Updates:
        return self._set_truth(state, LatLon(lat=float(event.lat), lon=float(event.lon)), "clicked")

    def type_truth(self, state: LocateState, text: str) -> Updates:
        if text.strip() == present.truth_text(state.current):
            return {self.parts.note: present.truth_note(state.current)}
        if not text.strip():
            return self.clear_truth(state)
        try:
            truth = parse_latlon(text)
        except UsageError as error:
            return {self.parts.note: present.truth_note(None, str(error))}
        return self._set_truth(state, truth, "typed")

    def clear_truth(self, state: LocateState) -> Updates:
        return self._set_truth(state, None, None)

    def _set_truth(self, state: LocateState, truth: LatLon | None, source: TruthSource | None) -> Updates:
        if truth is not None and (state.current is None or state.current.prediction is None):
            return {
                self.parts.note: present.truth_note(None, "Drop a photo first: the truth belongs to a photo.")
            }
        return self._show(state.with_truth(truth, source))

    # --- values to components

    def _show(self, state: LocateState) -> Updates:
        parts, item, load = self.parts, state.current, self.host.state()
        remedy = present.find_remedy(self.list_models(), load.name)
        prediction = item.prediction if item is not None else None
        overlay = truth_overlay(prediction) if prediction is not None else None
        return {
            **self._show_progress(state),
            parts.remedy: self._remedy_button(item, remedy),
            parts.truth: present.truth_text(item),
            parts.note: present.truth_note(item),
            parts.map: {"document": state.map_html, "overlay": overlay},
            parts.table: present.candidates_html(prediction),
            parts.how: gr.update(visible=prediction is not None),
            parts.details: present.details_html(item),
            parts.again: gr.update(visible=bool(state.items)),
            parts.answer: present.answer_html(state, load, remedy),
        }

    @staticmethod
    def _remedy_button(item: Item | None, remedy: ModelInfo | None) -> Any:
        if item is None or item.status != "unknown" or remedy is None:
            return gr.update(visible=False)
        return gr.update(visible=True, value=present.remedy_label(remedy))

    def _show_progress(self, state: LocateState) -> Updates:
        return {
            self.parts.state: state,
            self.parts.box: present.photo_box_value(state),
            self.parts.answer: present.answer_html(state, self.host.state()),
        }


def with_map(state: LocateState) -> LocateState:
    """The state with the map of the photo that is shown, and the other photos' answers as dots."""
    current = state.current.prediction if state.current is not None else None
    others = [item.prediction for item in state.items if item.prediction and item.prediction is not current]
    return replace(state, map_html=build_map(current, others))


def waiting_words(load: LoadState) -> str:
    step = f" ({load.step})" if load.step else ""
    return f"The model is being loaded{step}; your photo comes next."
