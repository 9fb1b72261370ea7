"""`bench train --images` with a tiny tower: every side has its row, and the epoch follows from the step."""

from __future__ import annotations

import pytest

from geotool.bench.pixels import run_pixels
from geotool.bench.train import Shape
from geotool.core.report import SilentReport
from geotool.model.backbone import VisionTower
from geotool.model.location_encoder import LocationSpec

LOCATION = LocationSpec(sigmas=(1.0,), frequencies=8, hidden=16, dim=8)


def test_every_side_has_a_row_and_an_epoch() -> None:
    shape = Shape(rows=64, features=12, batch=8, queue=16, location=LOCATION)
    tower = VisionTower(size_px=28, patch_px=14, width=16, layers=2, heads=2, dim=12)
    rows = run_pixels("cpu", 1, 6, SilentReport(), shape, tower)
    assert [row["measure"] for row in rows] == [
        "image side, pixels",
        "image side, features",
        "location side",
    ]
    pixels, features, places = rows
    assert all(row["epoch_h"] == pytest.approx(row["step_s"] / 6 * 4_100_000 / 3600) for row in rows)
    assert features["faster_than_pixels"] == pytest.approx(pixels["step_s"] / features["step_s"])
    assert pixels["faster_than_pixels"] == 1 and places["faster_than_pixels"] is None
