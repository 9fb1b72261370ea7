"""The parts that Gradio does not have: photo box, map frame, table of candidates, row of examples.

Each is a gr.HTML with a script of ours (static/*.js). An event of such a part is a name in quotes in its
script: the photo box has `photos` and `pick`, the map `truth`, the examples `example`. They are made
by functions, for Gradio writes a .pyi file beside every module that subclasses one of its classes.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import gradio as gr

STATIC_DIR = Path(__file__).parent / "static"
MAP_TITLE = "Map of candidate places. Click it to set where the photo was really taken."
MOST_FILES = 200

# For every event: no spinner over the page, and no entry in an API (that hides it; the guard protects).
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}


def photo_box(value: dict[str, Any], most_mb: int) -> gr.HTML:
    """Takes photos by drop, paste and choice. Value: present.photo_box_value; event data: files, index."""
    return gr.HTML(
        value,
        html_template=_PHOTO_BOX,
        js_on_load=_script("photo_box.js", "photoBox(element, props, trigger, upload, watch)"),
        elem_id="gt-photo",
        most_mb=most_mb,
        most_files=MOST_FILES,
    )


def map_view(value: dict[str, Any]) -> gr.HTML:
    """The map in a sandboxed frame. Value: {"document": html, "overlay": {...}}; event data: lat, lon."""
    return gr.HTML(
        value,
        html_template=f'<iframe class="gt-map" sandbox="allow-scripts" title="{MAP_TITLE}"></iframe>',
        js_on_load=_script("map_view.js", "mapView(element, props, trigger, watch)"),
        elem_id="gt-map",
    )


def candidate_table(value: str) -> gr.HTML:
    """Rows linked with the pins. Value: present.candidates_html."""
    return gr.HTML(value, js_on_load=_script("candidates.js", "candidates(element)"), elem_id="gt-candidates")


def example_row(value: str) -> gr.HTML:
    """Pictures to try. Value: present.examples_html; event data: index."""
    return gr.HTML(
        value, js_on_load=_script("examples.js", "examples(element, trigger)"), visible=bool(value)
    )


@functools.cache
def _script(name: str, call: str) -> str:
    return f"{(STATIC_DIR / name).read_text(encoding='utf-8')}\n{call};"


_PHOTO_BOX = """
<div class="gt-drop">
  <img class="gt-photo" alt="" hidden>
  <div class="gt-invite">
    <strong>Drop a photo here</strong>
    <span>or paste one, or <button type="button" class="gt-choose gt-link">choose files</button></span>
    <small>JPEG, PNG, WebP, HEIC, AVIF, GIF or BMP. Photos stay on this machine
      and are removed when geotool closes.</small>
  </div>
  <div class="gt-again"><button type="button" class="gt-choose gt-link">Other photos</button></div>
  <input type="file" multiple accept="image/*,.heic,.heif,.avif" aria-label="Choose photos" hidden>
</div>
<p class="gt-notice" role="alert"></p>
<div class="gt-strip" role="group" aria-label="Photos of this batch" hidden></div>
"""
