"""Pieces of HTML that the pages share. Whatever comes in as text is escaped here."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape


def card_html(title: str, words: str, kind: str = "", extra_html: str = "") -> str:
    """A titled sentence that is read aloud when it changes; `extra_html` stands between the two."""
    return (
        f'<div class="gt-answer gt-{kind or "empty"}" role="status" aria-live="polite">'
        f"<h2>{escape(title)}</h2>{extra_html}<p>{escape(words)}</p></div>"
    )


def bar_html(share: float) -> str:
    """A bar filled by a share of 0 to 1. The number stands beside it as text."""
    return f'<div class="gt-bar"><i style="width:{share:.1%}"></i></div>'


def facts_html(rows: Iterable[tuple[str, str]]) -> str:
    """A list of names with their values."""
    pairs = "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(value))}</dd>" for name, value in rows)
    return f'<dl class="gt-facts">{pairs}</dl>'
