"""Learning rates over a training, as shares of the highest: `done` is how far it is, in 0..1."""

from __future__ import annotations

import math
from typing import Literal

Schedule = Literal["cosine", "step", "linear"]

_STEP_FACTOR = 0.87  # per epoch: the recipe of GeoCLIP's derivatives


def find_rate(schedule: Schedule, done: float, warmup: float, epochs: int) -> float:
    """Up in a line during `warmup`, then down: to 0 along a cosine or a line, or by a factor per epoch."""
    if done < warmup:
        return done / warmup
    left = (1 - done) / (1 - warmup) if warmup < 1 else 0.0
    if schedule == "linear":
        return left
    if schedule == "cosine":
        return 0.5 - 0.5 * math.cos(math.pi * left)
    return _STEP_FACTOR ** int(done * epochs)
