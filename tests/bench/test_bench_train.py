"""`bench train` over tiny shapes: every form, precision and encoder has its row."""

from __future__ import annotations

import itertools

import pytest

from geotool.bench.train import Shape, run_train
from geotool.core.report import SilentReport
from geotool.model.location_encoder import LocationSpec

LOCATION = LocationSpec(sigmas=(1.0,), frequencies=8, hidden=16, dim=8)


def test_every_step_and_part_has_a_row() -> None:
    shape = Shape(rows=64, features=12, batch=8, queue=16, location=LOCATION)
    rows = run_train("cpu", 1, SilentReport(), shape)
    steps = [row for row in rows if row["measure"] == "whole step"]
    found = [(row["encoder"], row["queue"], row["precision"]) for row in steps]
    wanted = itertools.product(("plain", "gated"), ("gradient", "frozen", "cached"), ("fp32", "bf16"))
    assert found == list(wanted)
    assert {row["measure"] for row in rows} == {"whole step", "location side", "image side", "contrast"}
    for row in rows:
        assert row["ms"] > 0 and row["faster_than_fp32"] > 0
        assert row["precision"] == "bf16" or row["faster_than_fp32"] == 1
        assert row["queue"] != "gradient" or row["faster_than_gradient"] == 1
    assert all(row["epoch_s"] == pytest.approx(row["ms"] / 1000 / 8 * 4_100_000) for row in steps)
