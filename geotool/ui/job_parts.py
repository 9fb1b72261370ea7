"""The parts of the Jobs and Models tabs: the form, the table of jobs, the cards of the models.

Like those of components.py each is a gr.HTML with a script of ours, and draws plain JSON as text.
"""

from __future__ import annotations

import functools
from html import escape
from typing import Any

import gradio as gr

from geotool.ui.components import STATIC_DIR
from geotool.ui.job_forms import CHOICES

_TABLE = """
<p class="gt-job-notice" role="status"></p>
<p class="gt-no-jobs gt-quiet">No jobs yet. What you start above is listed here; it goes on when this page is
  closed, and when geotool is.</p>
<table class="gt-table gt-jobs" hidden>
  <thead><tr><th>Job</th><th>Progress</th><th class="gt-rate">Rate</th><th class="gt-left">Time left</th>
    <th class="gt-took">Took</th><th>State</th></tr></thead>
  <tbody></tbody>
</table>
<button type="button" class="gt-plain gt-older" hidden>Show older jobs</button>
"""
_CARDS = """
<p class="gt-models-notice" role="status"></p>
<div class="gt-work" hidden><p role="status"></p><div class="gt-bar"><i></i></div>
  <button type="button" class="gt-plain">Stop</button></div>
<div class="gt-cards"></div>
<div class="gt-machine"></div>
"""


def job_form(value: dict[str, Any]) -> gr.HTML:
    """Value: {"form": job_forms.build_form or None to leave it, "reply": about what was typed}.

    Events: `choose` (command), `check`, `start` and `estimate` (command, values, key; check: completed).
    """
    buttons = "".join(
        f'<button type="button" class="gt-choice" data-choice="{key}" aria-pressed="false">'
        f"<b>{escape(title)}</b><span>{escape(words)}</span></button>"
        for key, title, words in CHOICES
    )
    return gr.HTML(
        value,
        html_template=f'<div class="gt-choices">{buttons}</div><div class="gt-form-place"></div>',
        js_on_load=_script("job_form.js", "jobForm(element, props, trigger, watch)"),
        elem_id="gt-job-form",
    )


def job_table(value: dict[str, Any]) -> gr.HTML:
    """Value: job_rows.table_value with `seen`, `detail` and `notice`; without rows they stay.

    Events: `look` (open, most, seen), `act` (run_id, action, with_unfinished), `edit` (run_id), `use` (name),
    and `ended` when a job was done since the last look.
    """
    return gr.HTML(
        value,
        html_template=_TABLE,
        js_on_load=_script("job_table.js", "jobTable(element, props, trigger, watch)"),
        elem_id="gt-jobs",
    )


def model_cards(value: dict[str, Any]) -> gr.HTML:
    """Value: model_cards.cards_value.

    Events: `look`, `get`, `side_load` (name, path), `verify`, `remove`, `use` (name), `stop`.
    """
    return gr.HTML(
        value,
        html_template=_CARDS,
        js_on_load=_script("model_cards.js", "modelCards(element, props, trigger, watch)"),
        elem_id="gt-models",
    )


@functools.cache
def _script(name: str, call: str) -> str:
    return f"{(STATIC_DIR / name).read_text(encoding='utf-8')}\n{call};"
