"""The heat as a small picture in the map's projection (Web Mercator): one hue that thins out to nothing."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np

from geotool.core.records import Heat

HUE = (213, 94, 0)  # vermilion: apart from the blue pins and the green star with every colour blindness
# Depth of colour falls with the logarithm, so that several places as good as one another all show. What
# is a hundred times fainter than the strongest place is left out.
DECADES = 2.0
SHADES = 48
STRONGEST_ALPHA = 235  # of 255: borders and names stay readable
SIZE_PX = 1440  # two pixels per half degree: curves, not corners, on a map of 200 km


def heat_overlay(heat: Heat) -> dict[str, Any]:
    """What static/map.js draws: {"image": data URI of a PNG, "bounds": [[south, west], [north, east]]}."""
    mercator_lat = _mercator_lat_deg(SIZE_PX)
    north = _mercator_edge_deg()
    shades = np.round(_resample(_to_depth(heat), mercator_lat) * SHADES).astype(np.uint8)
    return {"image": _to_data_uri(shades), "bounds": [[-north, -180], [north, 180]]}


def to_css() -> str:
    """The hue as the CSS variable --heat, for the legend."""
    return f":root {{ --heat: rgb{HUE}; }}"


def _to_depth(heat: Heat) -> np.ndarray:
    """(H, W) depth of colour of each cell: 1 where mass per area is largest, 0 from DECADES below that.

    It fades where the gallery ends, or every lone point would be a plate with a sharp edge.
    """
    rows = heat.mass.shape[0]
    per_area = heat.mass / np.cos(np.pi * ((np.arange(rows) + 0.5) / rows - 0.5))[:, None]
    share = np.maximum(per_area / per_area.max(), 10**-DECADES)
    return (1 + np.log10(share) / DECADES) * heat.coverage


def _resample(depth: np.ndarray, lat_deg: np.ndarray) -> np.ndarray:
    """(H, W) -> (S, S): rows at the given latitudes, columns evenly; linear in between."""
    rows, columns = depth.shape
    row = (90 - lat_deg) / 180 * rows - 0.5
    column = (np.arange(SIZE_PX) + 0.5) / SIZE_PX * columns - 0.5
    top, left = np.floor(row).astype(int), np.floor(column).astype(int)
    down, right = (row - top)[:, None], column - left
    top, below = np.clip(top, 0, rows - 1), np.clip(top + 1, 0, rows - 1)
    left_wrapped, right_wrapped = left % columns, (left + 1) % columns
    wide = depth[:, left_wrapped] * (1 - right) + depth[:, right_wrapped] * right  # (H, S)
    return wide[top] * (1 - down) + wide[below] * down


def _mercator_edge_deg() -> float:
    """The latitude at which the square map of the world ends, about 85.05."""
    return float(np.degrees(np.arctan(np.sinh(np.pi))))


def _mercator_lat_deg(size: int) -> np.ndarray:
    """(size,) the latitude of each row of pixels, from north to south."""
    y = np.pi * (1 - 2 * (np.arange(size) + 0.5) / size)
    return np.degrees(np.arctan(np.sinh(y)))


def _to_data_uri(shades: np.ndarray) -> str:
    """(S, S) whole numbers of 0 to SHADES -> a PNG with a palette in which only the opacity changes."""
    from PIL import Image

    image = Image.fromarray(shades, mode="P")
    image.putpalette(HUE * (SHADES + 1))
    alphas = bytes(round(STRONGEST_ALPHA * shade / SHADES) for shade in range(SHADES + 1))
    file = io.BytesIO()
    image.save(file, "PNG", transparency=alphas)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode("ascii")
