"""The Locate tab: photos in, places on the map, their errors where the truth is known."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.answer.restriction import Restriction
from geotool.core.coordinates import parse_latlon
from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.core.paths import ASSETS_DIR
from geotool.core.records import TruthSource
from geotool.model.zoo import ModelInfo
from geotool.output.maps import build_map
from geotool.ui import evidence, present, restricting
from geotool.ui.components import QUIET
from geotool.ui.heating import Heating
from geotool.ui.locating import Locating
from geotool.ui.map_value import heat_value, map_value, with_map
from geotool.ui.model_host import ModelHost
from geotool.ui.place_table import table_html
from geotool.ui.results import results_value
from geotool.ui.saving import save
from geotool.ui.state import UNDONE, DrawnMap, Item, LocateState, Wishes
from geotool.ui.tabs.locate_layout import build_layout
from geotool.ui.uploads import own_file

EXAMPLES_DIR = ASSETS_DIR / "examples"
EXAMPLES_URL = "/vendor/examples"
WAIT_FOR_BATCH = "The photos are still being located: wait, or press Stop."

Updates = dict[Any, Any]  # component -> new value, as Gradio takes it


class LocateTab:
    """Builds the tab and answers its events. Values live in LocateState, words in present."""

    def __init__(
        self, host: ModelHost, upload_folder: Path, list_models: Callable[[], Sequence[ModelInfo]]
    ) -> None:
        self.host = host
        self.list_models = list_models
        self.upload_folder = upload_folder
        self.locating = Locating(host, upload_folder)
        self.heating = Heating(self.locating)
        self.examples = sorted(EXAMPLES_DIR.glob("*.jpg"))
        empty = LocateState(drawn=DrawnMap(html=build_map()))
        self.layout = build_layout(empty, host.state(), self.examples, EXAMPLES_URL)
        self.parts = self.layout.parts
        self._connect()

    def _connect(self) -> None:
        parts = self.parts
        state, outputs = parts.state, parts.all()
        # One after the other, none left out: what Gradio defers ("always_last") loses the event's data.
        every = {"trigger_mode": "multiple", **QUIET}
        parts.box.photos(self.take_photos, state, outputs, **every)
        self.layout.examples.example(self.take_example, state, outputs, **every)
        parts.again.click(self.locate_again, state, outputs, **QUIET)
        parts.editor.edited(self.take_edited, state, outputs, **QUIET)
        for source in (parts.box, parts.results):
            source.pick(self.pick, state, outputs, **every)
            source.stop(self.stop, state, None, **QUIET)
        parts.map.pick(self.pick, state, outputs, **every)
        parts.map.truth(self.click_truth, state, outputs, **every)
        parts.truth.submit(self.type_truth, [state, parts.truth], outputs, **QUIET)
        parts.truth.blur(self.type_truth, [state, parts.truth], outputs, **QUIET)
        self.layout.clear.click(self.clear_truth, state, outputs, **QUIET)
        parts.answer.show_original(self.show_original, state, outputs, **QUIET)
        parts.answer.show_edited(self.show_edited, state, outputs, **QUIET)
        parts.answer.remove_edited(self.remove_edited, state, outputs, **QUIET)
        parts.within.drop_part(self.drop_part, state, outputs, **QUIET)
        parts.countries.input(self.choose_countries, [state, parts.countries], outputs, **every)
        parts.area.submit(self.type_area, [state, parts.area], outputs, **QUIET)
        parts.map.box(self.draw_box, state, outputs, **every)
        parts.map.circle(self.draw_circle, state, outputs, **every)
        parts.map.heat(self.show_heat, state, parts.heat, **every)
        parts.map.heat_off(self.stop_heat, None, None, **every)
        parts.export.save(self.save, state, parts.export, **QUIET)

    # --- photos

    def take_photos(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        """Photos were dropped: each gets its result or its error."""
        items = tuple(self._to_item(file) for file in event.files)
        yield from self._locate(state, items, str(getattr(event, "notice", ""))[:300])

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
        """Ask the model in use about the photos that were not reached, or else about all of them."""
        unreached = [item for item in state.items if item.status in UNDONE]
        items = tuple(
            replace(item, status="waiting", result=None, message="")
            if item.path and (not unreached or item.status in UNDONE)
            else item
            for item in state.items
        )
        if items:
            yield from self._locate(state, items)

    def _locate(self, before: LocateState, items: tuple[Item, ...], notice: str = "") -> Iterator[Updates]:
        shown = LocateState(
            items=items,
            notice=notice,
            drawn=before.drawn,
            within=before.within,
        )
        for step in self.locating.run(shown):
            shown = replace(step, drawn=shown.drawn)
            if shown.current is not None and shown.current.status in ("answer", "unknown"):
                shown = with_map(shown)
                yield self._show(shown)
            else:
                yield self._show_progress(shown)
        yield self._show(self._finish(before, shown))

    def pick(self, state: LocateState, event: gr.EventData) -> Updates:
        state.wishes.selected = int(event.index)
        state = with_map(state.with_selected(int(event.index)))
        return {**self._show(state), self.parts.results: results_value(state, with_rows=False)}

    @staticmethod
    def stop(state: LocateState, event: gr.EventData) -> None:
        """The loop that is running ends after the photo it is at; one that is named, if it still runs."""
        if getattr(event, "batch", state.batch) == state.batch:
            state.wishes.stop = True

    @staticmethod
    def _finish(before: LocateState, after: LocateState) -> LocateState:
        """Show the first answer. One bad file alone leaves the old answer where it was."""
        readable = [i for i, item in enumerate(after.items) if item.status != "error"]
        if not readable and before.items and len(after.items) == 1:
            bad = after.items[0]
            return replace(before, notice=f"{present.failure(bad)}. {bad.message}", wishes=Wishes())
        if after.wishes.selected is None:
            after = replace(after, selected=readable[0] if readable else 0)
        return with_map(replace(after, wishes=Wishes()))

    # --- an edited copy

    def take_edited(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        """A cut or painted copy of the current photo: its answer stands beside that of the original."""
        if state.current is None or state.busy:
            gr.Info(WAIT_FOR_BATCH)
            return
        try:
            path = own_file(str(event.file), self.upload_folder)
        except UsageError as error:
            gr.Warning(str(error))
            return
        copy = Item(key="", name=f"{state.current.name} (edited)", path=path)
        copy = self.locating.answer(copy, state.within)
        yield self._show(with_map(state.with_current(state.current.with_edited(copy))))

    def show_original(self, state: LocateState) -> Updates:
        return self._show_half(state, edited=False)

    def show_edited(self, state: LocateState) -> Updates:
        return self._show_half(state, edited=True)

    def _show_half(self, state: LocateState, edited: bool) -> Updates:
        if state.current is None or state.busy:
            return {}
        return self._show(with_map(state.with_current(replace(state.current, shows_edited=edited))))

    def remove_edited(self, state: LocateState) -> Updates:
        if state.current is None or state.busy:
            return {}
        return self._show(with_map(state.with_current(state.current.without_edited())))

    # --- restriction

    def choose_countries(self, state: LocateState, codes: list[str] | None) -> Iterator[Updates]:
        yield from self._restrict(state, restricting.with_countries(state.within, codes or []))

    def type_area(self, state: LocateState, text: str) -> Iterator[Updates]:
        if not text.strip():
            return
        try:
            within = restricting.with_area(state.within, text)
        except UsageError as error:
            yield {self.parts.within: restricting.chips_html(state.within, str(error))}
        else:
            yield {self.parts.area: ""}
            yield from self._restrict(state, within)

    def draw_box(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        sides = [float(value) for value in (event.south, event.west, event.north, event.east)]
        yield from self.type_area(state, ",".join(f"{side:.4f}" for side in sides))

    def draw_circle(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        lat, lon, radius_km = (float(value) for value in (event.lat, event.lon, event.radius_km))
        yield from self.type_area(state, f"{lat:.4f},{lon:.4f},{radius_km:g}")

    def drop_part(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        yield from self._restrict(state, restricting.without(state.within, int(event.part)))

    def _restrict(self, state: LocateState, within: Restriction | None) -> Iterator[Updates]:
        """Show the chips, and locate a single photo again; a batch waits for "Locate again"."""
        if state.busy:
            yield {self.parts.within: restricting.chips_html(state.within, WAIT_FOR_BATCH)}
            return
        state = replace(state, within=within)
        shown = {
            self.parts.state: state,
            self.parts.within: restricting.chips_html(within),
            self.parts.countries: list(within.countries) if within else [],
            self.parts.map: map_value(state),
        }
        if len(state.items) == 1:
            yield shown
            yield from self.locate_again(state)
        else:  # the answers there are from before
            yield {**shown, self.parts.answer: present.answer_html(state, self.host.state())}

    # --- heat

    def show_heat(self, state: LocateState, event: gr.EventData) -> Iterator[Updates]:
        """The layer was switched on: first how far it is, then the heat of the photo on that map."""
        key = str(event.key)
        if state.shown is None or key != state.drawn.key:  # another photo came onto the map meanwhile
            return
        for heat in self.heating.run(state.shown, key):
            yield {self.parts.heat: heat_value(key, heat)}

    def stop_heat(self, event: gr.EventData) -> None:
        self.heating.stop(str(event.key))

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
        note = self.parts.note
        if state.busy:
            return {note: present.truth_note(None, WAIT_FOR_BATCH)}
        if truth is not None and (state.current is None or state.current.prediction is None):
            return {note: present.truth_note(None, "Drop a photo first: the truth belongs to a photo.")}
        return self._show(state.with_truth(truth, source))

    # --- export

    def save(self, state: LocateState, event: gr.EventData) -> dict[str, str]:
        """Write the results and hand the browser their address."""
        try:
            return save(state, str(event.format), self.upload_folder)
        except UsageError as error:
            return {"words": str(error)}

    # --- values to components

    def _show(self, state: LocateState) -> Updates:
        parts, shown, load = self.parts, state.shown, self.host.state()
        remedy = present.find_remedy(self.list_models(), load.name)
        prediction = shown.prediction if shown is not None else None
        original = state.current.prediction if state.current is not None else None
        return {
            **self._show_progress(state),
            parts.answer: present.answer_html(state, load, remedy),
            parts.remedy: self._remedy_button(shown, remedy),
            parts.truth: present.truth_text(state.current),
            parts.note: present.truth_note(state.current),
            parts.check: evidence.checking_html(prediction),
            parts.map: map_value(state),
            parts.table: table_html(prediction),
            parts.export: gr.update(visible=any(item.result is not None for item in state.items)),
            parts.exif_box: gr.update(visible=original is not None),
            parts.exif: evidence.exif_html(original),
            parts.how: gr.update(visible=prediction is not None),
            parts.details: present.details_html(shown),
            parts.again: self._again_button(state),
        }

    @staticmethod
    def _again_button(state: LocateState) -> Any:
        rest = any(item.status == "stopped" for item in state.items)
        return gr.update(visible=bool(state.items), value="Locate the rest" if rest else "Locate again")

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
            self.parts.results: results_value(state),
        }
