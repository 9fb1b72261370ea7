"""Where else the candidates lie: bars per continent, country and region, as HTML."""

from __future__ import annotations

from html import escape

from geotool.core.records import MassBars, SearchTrace
from geotool.output.numbers import format_share
from geotool.ui.markup import bar_html

TITLES = {"continent": "Continents", "country": "Countries", "region": "Regions"}
MEANING = "How the weight of the hundred best candidates is shared out: no probabilities."
OTHERS = "all others"
LEAST_SHARE = 0.005  # a name with less is one of all others: its bar would be empty


def bars_html(search: SearchTrace | None) -> str:
    """A column of bars per level; nothing where the search left none."""
    if search is None or not search.bars:
        return ""
    columns = "".join(_column(bars) for bars in search.bars)
    return f'<div class="gt-shares">{columns}</div><p class="gt-note">{MEANING}</p>'


def _column(bars: MassBars) -> str:
    shown = [(name, share) for name, share in bars.shares if share >= LEAST_SHARE]
    others = 1 - sum(share for _, share in shown)
    if others >= LEAST_SHARE / 10:
        shown.append((OTHERS, others))
    rows = "".join(_row(name, share) for name, share in shown)
    title = TITLES[bars.level]
    return f'<section><h3>{title}</h3><ul role="list" aria-label="{title}">{rows}</ul></section>'


def _row(name: str, share: float) -> str:
    kind = ' class="gt-rest"' if name == OTHERS else ""
    percent = escape(format_share(share))
    return f"<li{kind}><span>{escape(name)}</span>{bar_html(share)}<span>{percent}</span></li>"
