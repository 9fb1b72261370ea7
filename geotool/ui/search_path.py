"""The way of a search from coarse to fine, as HTML: Europe, Italy, 43.5 N 11.8 E, each with its bar."""

from __future__ import annotations

from html import escape

from geotool.core.records import PathLevel, SearchTrace
from geotool.output.numbers import format_count, format_share
from geotool.ui.markup import bar_html

MEANING = "Bars are shares of the candidates' weight, not probabilities."


def path_html(search: SearchTrace | None) -> str:
    """A row with a bar per level, and what was compared; nothing where the search left no path."""
    if search is None or not search.path:
        return ""
    rows = "".join(_row(level) for level in search.path)
    return (
        f'<div class="gt-path"><ol role="list" aria-label="The best place, from coarse to fine">{rows}</ol>'
        f"<p>{MEANING} {_effort(search)}</p></div>"
    )


def _row(level: PathLevel) -> str:
    share = escape(format_share(level.mass)) + '<span class="gt-spoken"> of the candidates\' weight</span>'
    return f"<li><b>{escape(level.name)}</b>{bar_html(level.mass)}<span>{share}</span></li>"


def _effort(search: SearchTrace) -> str:
    """Cells are compared too, so a small gallery may take more comparisons than it has points."""
    comparisons, size = format_count(search.comparisons), format_count(search.gallery_size)
    return f"Found with {comparisons} comparisons among {size} gallery points."
