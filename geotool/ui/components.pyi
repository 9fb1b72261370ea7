"""The three parts that Gradio does not have: photo box, map frame, table of candidates.

They are gr.HTML with a script of ours (static/*.js). An event of such a part is a name in quotes in
its script: PhotoBox has `photos` and `pick`, ExampleRow `example`, MapView `truth`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gradio as gr

STATIC_DIR = Path(__file__).parent / "static"
MAP_TITLE = "Map of candidate places. Click it to set where the photo was really taken."
MOST_FILES = 200

# For every event: no spinner over the page, and no entry in an API (that hides it; the guard protects).
QUIET: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}

def _script(name: str, call: str) -> str:
    return f"{(STATIC_DIR / name).read_text(encoding='utf-8')}\n{call};"

class PhotoBox(gr.HTML):
    """Takes photos by drop, paste and choice. Value: present.photo_box_value; event data: files."""

    def __init__(self, value: dict[str, Any] | None = None, most_mb: int = 0, **options: Any) -> None:
        super().__init__(
            value=value,
            html_template=_PHOTO_BOX,
            js_on_load=_script("photo_box.js", "photoBox(element, props, trigger, upload, watch)"),
            most_mb=most_mb,
            most_files=MOST_FILES,
            **options,
        )
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component

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

class MapView(gr.HTML):
    """The map in a sandboxed frame. Value: {"document": html, "overlay": {...}}; event data: lat, lon."""

    def __init__(self, value: dict[str, Any] | None = None, **options: Any) -> None:
        super().__init__(
            value=value,
            html_template=f'<iframe class="gt-map" sandbox="allow-scripts" title="{MAP_TITLE}"></iframe>',
            js_on_load=_script("map_view.js", "mapView(element, props, trigger, watch)"),
            **options,
        )
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component

class CandidateTable(gr.HTML):
    """Rows linked with the pins. Value: present.candidates_html."""

    def __init__(self, value: str | None = None, **options: Any) -> None:
        super().__init__(value=value, js_on_load=_script("candidates.js", "candidates(element)"), **options)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component

class ExampleRow(gr.HTML):
    """Pictures to try. Value: HTML with buttons that carry data-index; event data: index."""

    def __init__(self, value: str | None = None, **options: Any) -> None:
        super().__init__(value=value, js_on_load=_EXAMPLES, **options)
    from typing import Callable, Literal, Sequence, Any, TYPE_CHECKING
    from gradio.blocks import Block
    if TYPE_CHECKING:
        from gradio.components import Timer
        from gradio.components.base import Component

_EXAMPLES = """
element.addEventListener("click", (event) => {
  const button = event.target.closest("[data-index]");
  if (button) trigger("example", { index: Number(button.dataset.index) });
});
"""
