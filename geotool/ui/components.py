"""The parts that Gradio does not have: photo box, editor, map frame, tables, export bar, row of examples.

Each is a gr.HTML with a script of ours (static/*.js). An event of such a part is a name in quotes in its
script: the photo box has `photos`, `pick` and `stop`, the map `truth`, the examples `example`. They are made
by functions, for Gradio writes a .pyi file beside every module that subclasses one of its classes.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.ui import templates

STATIC_DIR = Path(__file__).parent / "static"
MAP_TITLE = (
    "Map of places. Click it to set where the photo was really taken; with Shift, to restrict answers."
)
MOST_FILES = 5000

# For every event: no spinner over the page, and no entry in an API (that hides it; the guard protects).
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def photo_box(value: dict[str, Any], most_mb: int, strip: int) -> gr.HTML:
    """Takes photos by drop, paste and choice. Value: present.photo_box_value; event data: files, index."""
    return gr.HTML(
        value,
        html_template=templates.PHOTO_BOX,
        js_on_load=_script("photo_box.js", "photoBox(element, props, trigger, upload, watch)"),
        elem_id="gt-photo",
        most_mb=most_mb,
        most_files=MOST_FILES,
        strip=strip,
    )


def photo_editor() -> gr.HTML:
    """Cuts or paints over a copy of the photo in the box. Event `edited`: file, its path on the server."""
    return gr.HTML(
        {},
        html_template=templates.PHOTO_EDITOR,
        js_on_load=_script("photo_editor.js", "photoEditor(element, props, trigger, upload)"),
        elem_id="gt-editor",
    )


def map_view(value: dict[str, Any]) -> gr.HTML:
    """The map in a sandboxed frame. Value: map_value.map_value.

    Events: `truth` (lat, lon), `box` (its sides), `circle` (lat, lon, radius_km), `pick` (index), `heat` and
    `heat_off` (key).
    """
    return gr.HTML(
        value,
        html_template=f'<iframe class="gt-map" sandbox="allow-scripts" title="{MAP_TITLE}"></iframe>',
        js_on_load=_script("map_view.js", "mapView(element, props, trigger, watch)"),
        elem_id="gt-map",
    )


def map_heat() -> gr.HTML:
    """The heat of the map, which draws it; nothing is seen here. Value: map_value.heat_value."""
    return gr.HTML(
        {},
        html_template="<span></span>",
        js_on_load=_script("map_heat.js", "mapHeat(props, watch)"),
        elem_id="gt-heat",
    )


def answer_card(value: str) -> gr.HTML:
    """The answer. Value: present.answer_html; the events of its comparison are in answer.js."""
    return gr.HTML(value, js_on_load=_script("answer.js", "answer(element, trigger)"), elem_id="gt-answer")


def candidate_table(value: str) -> gr.HTML:
    """Rows linked with the pins. Value: place_table.table_html."""
    return gr.HTML(value, js_on_load=_script("candidates.js", "candidates(element)"), elem_id="gt-candidates")


def restriction_chips() -> gr.HTML:
    """What answers are restricted to. Value: restricting.chips_html; event `drop_part`: part, its number."""
    return gr.HTML("", js_on_load=_script("chips.js", "chips(element, trigger)"), elem_id="gt-within")


def results_table(value: dict[str, Any]) -> gr.HTML:
    """The photos of a batch. Value: results.results_value; events: `pick` (index), `stop`."""
    return gr.HTML(
        value,
        html_template=templates.RESULTS,
        js_on_load=_script("results.js", "results(element, props, trigger, watch)"),
        elem_id="gt-results",
    )


def export_bar(formats: dict[str, str]) -> gr.HTML:
    """A button per format. Value: {"url", "name", "words"} of the file written; event `save`: format."""
    return gr.HTML(
        {},
        html_template=templates.export_buttons(formats),
        js_on_load=_script("exports.js", "exportBar(element, props, trigger, watch)"),
        elem_id="gt-export",
        visible=False,
    )


def example_row(value: str) -> gr.HTML:
    """Pictures to try. Value: present.examples_html; event data: index."""
    return gr.HTML(
        value, js_on_load=_script("examples.js", "examples(element, trigger)"), visible=bool(value)
    )


@functools.cache
def _script(name: str, call: str) -> str:
    return f"{(STATIC_DIR / name).read_text(encoding='utf-8')}\n{call};"
