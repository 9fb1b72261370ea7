"""The five error bands and their colours: the same on the map, in chips and in charts.

The order blue, violet, red reads the same with every common colour blindness, and every colour has
enough contrast on the light and on the dark map; the text beside it always names the distance too.
"""

from __future__ import annotations

from bisect import bisect_left

from geotool.core.geo import THRESHOLDS_KM

COLOURS = ("#2166ac", "#5c6bc0", "#8e5bb5", "#b8457f", "#c4263c", "#8c2d2d")  # one per threshold, and beyond
NAMES = ("street level", "city level", "region level", "country level", "continent level", "farther")


def band_of(error_km: float) -> int:
    """0 for at most 1 km, 1 for at most 25 km, ... 5 for beyond 2500 km."""
    return bisect_left(THRESHOLDS_KM, error_km)


def to_css() -> str:
    """The colours as CSS variables --band-0 to --band-5."""
    variables = "".join(f"--band-{i}: {colour};" for i, colour in enumerate(COLOURS))
    return f":root {{ {variables} }}"
