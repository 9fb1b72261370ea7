"""The Locate tab as components: what stands where. What they do is in locate.py."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.photos.formats import MAX_FILE_MB
from geotool.ui import components, present, restricting, results
from geotool.ui.model_host import LoadState
from geotool.ui.place_table import table_html
from geotool.ui.state import LocateState


@dataclass(frozen=True)
class Parts:
    """The components of the tab that change."""

    state: gr.State
    box: gr.HTML
    again: gr.Button
    editor: gr.HTML
    answer: gr.HTML
    remedy: gr.Button
    within: gr.HTML
    countries: gr.Dropdown
    area: gr.Textbox
    truth: gr.Textbox
    note: gr.HTML
    check: gr.HTML
    map: gr.HTML
    heat: gr.HTML
    results: gr.HTML
    table: gr.HTML
    export: gr.HTML
    exif_box: gr.Accordion
    exif: gr.HTML
    how: gr.Accordion
    details: gr.HTML

    def all(self) -> list[Any]:
        return list(vars(self).values())


@dataclass(frozen=True)
class Layout:
    """The parts, and what only starts something."""

    parts: Parts
    examples: gr.HTML
    clear: gr.Button


def build_layout(empty: LocateState, load: LoadState, examples: Sequence[Path], examples_url: str) -> Layout:
    """Photo and answer on the left, the map on the right, tables and details under both."""
    made: dict[str, Any] = {"state": gr.State(empty)}
    with gr.Row(equal_height=False, elem_id="gt-work"):
        with gr.Column(scale=2, min_width=340):
            made["box"] = components.photo_box(present.photo_box_value(empty), MAX_FILE_MB, present.STRIP)
            with gr.Row(elem_id="gt-under"):
                row = components.example_row(present.examples_html(examples_url, examples))
                made["again"] = gr.Button("Locate again", size="sm", visible=False, elem_id="gt-again")
            made["editor"] = components.photo_editor()
            made["answer"] = components.answer_card(present.answer_html(empty, load))
            made["remedy"] = gr.Button("Get a model for photographs", variant="primary", visible=False)
            made["check"] = gr.HTML("", elem_id="gt-checking")
            made |= _build_restriction()
            with gr.Row(elem_id="gt-truth", equal_height=False):
                made["truth"] = _truth_field()
                clear = gr.Button("Clear", size="sm", elem_id="gt-clear", min_width=80, scale=0)
            made["note"] = gr.HTML(present.truth_note(None))
        with gr.Column(scale=3, min_width=340):
            made["map"] = components.map_view({"document": empty.drawn.html, "overlay": None})
            made["heat"] = components.map_heat()
    made |= _build_tables(empty)
    return Layout(Parts(**made), row, clear)


def _truth_field() -> gr.Textbox:
    return gr.Textbox(
        label="Truth: where it was really taken",
        placeholder="48.8584, 2.2945",
        scale=3,
        min_width=180,
    )


def _build_restriction() -> dict[str, Any]:
    """The chips stay in sight; what makes them is folded away."""
    made: dict[str, Any] = {"within": components.restriction_chips()}
    with gr.Accordion("Only in some countries or areas", open=False, elem_id="gt-restrict"):
        made["countries"] = gr.Dropdown(
            restricting.country_choices(), multiselect=True, label="Countries", elem_id="gt-countries"
        )
        made["area"] = gr.Textbox(
            label="Box (south, west, north, east) or circle (lat, lon, km)",
            info="Or on the map with Shift held: drag a box, click for a circle.",
            placeholder="43, 10, 45, 12",
            elem_id="gt-area",
        )
    return made


def _build_tables(empty: LocateState) -> dict[str, Any]:
    made: dict[str, Any] = {"results": components.results_table(results.results_value(empty))}
    made["table"] = components.candidate_table(table_html(None))
    made["export"] = components.export_bar(results.FORMATS)
    with gr.Accordion("Photo details (EXIF)", open=False, visible=False) as made["exif_box"]:
        made["exif"] = gr.HTML("")
    with gr.Accordion("How this answer came about", open=False, visible=False) as made["how"]:
        made["details"] = gr.HTML(present.details_html(None))
    return made
