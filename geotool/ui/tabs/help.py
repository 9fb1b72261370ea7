"""The Help tab: the pages in assets/help, in the order of their file names."""

from __future__ import annotations

from pathlib import Path

import gradio as gr

from geotool.core.paths import ASSETS_DIR

HELP_DIR = ASSETS_DIR / "help"


class HelpTab:
    """Each page is a Markdown file whose first line is its title; the first page stands open."""

    def __init__(self) -> None:
        for number, page in enumerate(sorted(HELP_DIR.glob("*.md"))):
            title, body = split_page(page)
            with gr.Accordion(title, open=number == 0):
                gr.Markdown(body, elem_classes="gt-help")


def split_page(page: Path) -> tuple[str, str]:
    """Title and body of a page."""
    title, _, body = page.read_text(encoding="utf-8").partition("\n")
    return title.lstrip("# ").strip(), body.strip()
