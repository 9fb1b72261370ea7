"""How well one number tells two kinds of answers apart.

From the ranks, in numpy: scikit-learn has it too, but takes seconds to import, after every evaluation.
"""

from __future__ import annotations

import numpy as np


def measure_auroc(scores: np.ndarray, is_hit: np.ndarray) -> float | None:
    """The chance that a hit has a higher score than another answer; equal scores count half.

    (N,) scores and (N,) bool; the area under the ROC curve (Mann and Whitney 1947). None where all or
    none are hits.
    """
    hits, others = int(is_hit.sum()), int((~is_hit).sum())
    if not hits or not others:
        return None
    _, place, counts = np.unique(scores, return_inverse=True, return_counts=True)
    ranks = np.cumsum(counts) - (counts - 1) / 2  # from 1; equal scores share the middle of theirs
    return float((ranks[place[is_hit]].sum() - hits * (hits + 1) / 2) / (hits * others))
