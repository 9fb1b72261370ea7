"""The HTML of the parts in components.py, as they stand before their scripts fill them."""

from __future__ import annotations

PHOTO_BOX = """
<div class="gt-drop">
  <img class="gt-photo" alt="" hidden>
  <div class="gt-invite">
    <strong>Drop a photo here</strong>
    <span>or paste one, or <button type="button" class="gt-choose gt-link">choose files</button></span>
    <small>JPEG, PNG, WebP, HEIC, AVIF, GIF or BMP; many at once, or a folder. Photos stay on this machine
      and are removed when geotool closes.</small>
  </div>
  <div class="gt-again"><button type="button" class="gt-choose gt-link">Other photos</button></div>
  <input type="file" multiple accept="image/*,.heic,.heif,.avif" aria-label="Choose photos" hidden>
</div>
<p class="gt-notice" role="alert"></p>
<p class="gt-sending" role="status" hidden>
  <span></span> <button type="button" class="gt-enough gt-link">Stop</button>
</p>
<div class="gt-strip" role="group" aria-label="Photos of this batch" hidden></div>
"""

PHOTO_EDITOR = """
<button type="button" class="gt-edit gt-plain" aria-expanded="false">Crop or mask</button>
<div class="gt-panel" hidden>
  <div class="gt-tools" role="group" aria-label="Tools">
    <button type="button" class="gt-plain" data-tool="paint" aria-pressed="true">Paint over</button>
    <button type="button" class="gt-plain" data-tool="cut" aria-pressed="false">Cut out</button>
    <button type="button" class="gt-plain gt-undo" disabled>Undo</button>
    <button type="button" class="gt-plain gt-reset" disabled>Start over</button>
  </div>
  <p class="gt-words gt-quiet" role="status"></p>
  <canvas aria-label="The photo; drag boxes with the pointer"></canvas>
  <div class="gt-tools">
    <button type="button" class="gt-main gt-go" disabled>Locate the edited picture</button>
    <button type="button" class="gt-plain gt-leave">Close</button>
  </div>
</div>
"""

RESULTS = """
<div class="gt-bar-of-results">
  <p class="gt-words" role="status"></p>
  <button type="button" class="gt-plain gt-stop" hidden>Stop</button>
  <input type="search" class="gt-filter" placeholder="Filter by name or place" aria-label="Filter the photos">
  <div class="gt-chips" role="group" aria-label="Show only"></div>
</div>
<table class="gt-table" aria-label="Photos of this batch. Arrow keys move, Enter shows one.">
  <thead><tr></tr></thead><tbody></tbody>
</table>
<p class="gt-none gt-quiet" hidden>No photo fits this filter.</p>
<div class="gt-pager" hidden>
  <button type="button" class="gt-plain gt-previous">Previous</button>
  <span class="gt-page"></span>
  <button type="button" class="gt-plain gt-next">Next</button>
</div>
"""


def export_buttons(formats: dict[str, str]) -> str:
    """A button per format; keys are the formats, values what the buttons say."""
    buttons = "".join(
        f'<button type="button" class="gt-plain" data-format="{key}">{title}</button>'
        for key, title in formats.items()
    )
    return f'<div class="gt-tools"><span>Save as</span>{buttons}</div><p class="gt-saved" role="status"></p>'
