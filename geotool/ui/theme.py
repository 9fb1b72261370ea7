"""One deep blue and greys, the same in light and dark; contrast of text at least 4.5 to 1."""

from __future__ import annotations

import gradio as gr

DEEP_BLUE = gr.themes.Color(
    name="deep-blue",
    c50="#eef4fb", c100="#d9e6f5", c200="#b3cdeb", c300="#86b0de", c400="#4f8acb", c500="#2a68b0",
    c600="#1d4f91", c700="#184277", c800="#13345e", c900="#0e2747", c950="#0a1c33",
)  # fmt: skip


def build_theme() -> gr.themes.Base:
    """The theme of the window. Fonts are the system's: set in window.css, nothing is fetched."""
    theme = gr.themes.Default(primary_hue=DEEP_BLUE, secondary_hue=DEEP_BLUE, neutral_hue="slate")
    return theme.set(
        button_primary_background_fill="*primary_600",
        button_primary_background_fill_hover="*primary_700",
        button_primary_background_fill_dark="*primary_500",
        button_primary_background_fill_hover_dark="*primary_600",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        body_background_fill="#f7f9fb",
        body_background_fill_dark="#12171d",
        block_background_fill_dark="#1a212a",
    )
