"""Candidates weighed by the masses of their cells."""

from __future__ import annotations

import math

import numpy as np
import pytest

from geotool.gallery.guidance import guide

COSINES = np.array([[0.5, 0.45, 0.2], [0.3, 0.2, 0.1]])
CELLS = np.array([[0, 1, 1], [2, 2, 0]])
MASSES = np.array([[0.1, 0.9, 0.0], [0.2, 0.3, 0.5]])


def test_the_score_is_cosine_and_mass_together() -> None:
    found = guide(COSINES, CELLS, MASSES, scale=40.0, weight=2.0)
    expected = [
        [40 * cosine + 2 * math.log(MASSES[row][cell] + 1e-4) for cosine, cell in zip(*pair, strict=True)]
        for row, pair in enumerate(zip(COSINES.tolist(), CELLS.tolist(), strict=True))
    ]
    np.testing.assert_allclose(found, expected)
    assert found[0].argmax() == 1 and COSINES[0].argmax() == 0


def test_no_weight_leaves_the_order_and_no_mass_is_no_veto() -> None:
    np.testing.assert_allclose(guide(COSINES, CELLS, MASSES, scale=40.0, weight=0.0), 40 * COSINES)
    nothing = np.zeros((2, 3))
    assert np.isfinite(guide(COSINES, CELLS, nothing, scale=40.0, weight=1.0)).all()
    best = guide(np.array([[0.9, 0.1]]), np.array([[0, 1]]), np.array([[0.0, 1.0]]), scale=40.0, weight=1.0)
    assert best[0].argmax() == 0


def test_equal_masses_change_no_order() -> None:
    found = guide(COSINES, CELLS, np.full((2, 3), 1 / 3), scale=40.0, weight=5.0)
    assert np.diff(found) == pytest.approx(40 * np.diff(COSINES))
