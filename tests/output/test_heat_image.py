from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from geotool.core.records import Heat
from geotool.output.heat_image import DECADES, HUE, heat_overlay

ROWS, COLUMNS = 360, 720


def picture(mass: np.ndarray) -> np.ndarray:
    """The overlay's picture as (S, S, 4) RGBA."""
    overlay = heat_overlay(Heat(mass=mass / mass.sum(), coverage=(mass > 0).astype(float)))
    head, data = overlay["image"].split(",")
    assert head == "data:image/png;base64"
    [[south, west], [north, east]] = overlay["bounds"]
    assert (west, east) == (-180, 180)
    assert -south == north == pytest.approx(85.0511, abs=1e-4)
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA"))


def row_areas() -> np.ndarray:
    return np.cos(np.radians(90 - (np.arange(ROWS) + 0.5) / 2))[:, None]


def test_a_flat_heat_is_one_colour() -> None:
    pixels = picture(row_areas() * np.ones((ROWS, COLUMNS)))
    assert len(np.unique(pixels.reshape(-1, 4), axis=0)) == 1
    assert tuple(pixels[0, 0, :3]) == HUE


@pytest.mark.parametrize(("lat", "lon"), [(60.25, 30.25), (-45.25, -120.25), (0.25, 179.75)])
def test_a_cell_stands_where_web_mercator_has_it(lat: float, lon: float) -> None:
    mass = np.zeros((ROWS, COLUMNS))
    mass[int((90 - lat) * 2), int((lon + 180) * 2)] = 1
    alpha = picture(mass)[..., 3].astype(float)
    size = len(alpha)
    column = (lon + 180) / 360 * size
    row = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * size
    rows, columns = np.nonzero(alpha == alpha.max())
    assert rows.mean() + 0.5 == pytest.approx(row, abs=2)
    assert columns.mean() + 0.5 == pytest.approx(column, abs=2)


def test_depth_falls_with_the_logarithm_to_nothing() -> None:
    mass = row_areas() * np.ones((ROWS, COLUMNS))
    for column, decades in ((100, 0), (300, DECADES / 2), (500, DECADES)):
        mass[:, column : column + 100] *= 10.0**-decades
    mass[:, :100] *= 1e-9
    alpha = picture(mass)[..., 3]
    middle = len(alpha) // 2
    strongest, half, nothing = (int(alpha[middle, 2 * column + 100]) for column in (100, 300, 500))
    assert half == pytest.approx(strongest / 2, abs=3)
    assert nothing == alpha[middle, 50] == 0
    assert strongest > 200
