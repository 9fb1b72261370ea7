"""Schedules, checkpoints, curves."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest
import torch

from geotool.core.errors import MismatchError
from geotool.training.checkpoint import CHECKPOINT_FILE, check_settings, read_checkpoint, write_checkpoint
from geotool.training.curves import LINES_FILE, Curves
from geotool.training.schedule import find_rate


def test_a_rate_rises_then_falls_to_nothing():
    for schedule in ("cosine", "linear"):
        rates = [find_rate(schedule, done / 100, 0.1, 5) for done in range(101)]
        assert rates[:11] == pytest.approx([i / 10 for i in range(11)])
        assert all(a > b for a, b in pairwise(rates[10:])) and rates[-1] == 0


def test_the_step_schedule_falls_with_every_epoch():
    """G3's never did: its stream had no end, and so no epoch."""
    rates = [find_rate("step", (epoch + 0.5) / 4, 0.0, 4) for epoch in range(4)]
    assert rates == pytest.approx([1, 0.87, 0.87**2, 0.87**3])


def test_a_checkpoint_gives_back_tensors_and_state(tmp_path):
    tensors = {"a": torch.randn(3, 2).T, "b": torch.tensor(4)}
    assert read_checkpoint(tmp_path) is None
    write_checkpoint(tmp_path, tensors, {"step": 7})
    write_checkpoint(tmp_path, tensors, {"step": 8})
    found, state = read_checkpoint(tmp_path)
    assert state == {"step": 8} and all(torch.equal(found[name], tensors[name]) for name in tensors)
    assert [path.name for path in tmp_path.iterdir()] == [CHECKPOINT_FILE]


def test_a_damaged_checkpoint_is_told(tmp_path):
    write_checkpoint(tmp_path, {"a": torch.zeros(100)}, {"step": 7})
    file = tmp_path / CHECKPOINT_FILE
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(MismatchError, match="damaged"):
        read_checkpoint(tmp_path)


def test_changed_settings_are_named(tmp_path):
    check_settings({"lr": 1.0, "sizes": [1, 2]}, {"lr": 1.0, "sizes": (1, 2)}, tmp_path)
    with pytest.raises(MismatchError, match="another lr, seed"):
        check_settings({"lr": 1.0, "seed": 0}, {"lr": 2.0, "seed": 1}, tmp_path)


def test_curves_go_on_where_the_checkpoint_was(tmp_path):
    curves = Curves(tmp_path, 0)
    for step in (1, 2, 3):
        curves.write(step, loss=1 / step, median_km=None)
    curves.close()
    with (tmp_path / LINES_FILE).open("a") as file:
        file.write('{"step": 4, "lo')  # killed while it wrote
    curves = Curves(tmp_path, 2)
    curves.write(3, loss=0.5)
    curves.close()
    rows = [json.loads(line) for line in (tmp_path / LINES_FILE).read_text().splitlines()]
    assert [(row["step"], row["loss"]) for row in rows] == [(1, 1), (2, 0.5), (3, 0.5)]
    assert list(tmp_path.glob("events.out.tfevents.*"))
