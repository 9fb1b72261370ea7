"""Answers to photos of a made-up world, where how far the candidates scatter tells how wrong they are."""

from __future__ import annotations

import numpy as np

from geotool.answer.fit_calibration import Scored
from geotool.core.sphere import from_xyz, to_xyz


def make_answers(n: int, seed: int, groups: int | None = None) -> Scored:
    """`n` answers on all the Earth: candidates scatter by 10 to 3000 km, errors grow with that scatter."""
    rng = np.random.default_rng(seed)
    answer_deg = from_xyz(rng.normal(size=(n, 3)))
    scatter_km = 10 ** rng.uniform(1, 3.5, n)
    tangent = rng.normal(size=(n, 5, 3)) * scatter_km[:, None, None] / 6371
    first_deg = from_xyz((to_xyz(answer_deg)[:, None] + tangent).reshape(-1, 3)).reshape(n, 5, 2)
    error_km = np.minimum(scatter_km * rng.lognormal(0, 1, n), 20_000)
    names = np.arange(n) if groups is None else rng.integers(0, groups, n)
    return Scored(first_deg=first_deg, answer_deg=answer_deg, error_km=error_km, groups=names.astype(str))
