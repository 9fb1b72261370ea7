"""95 % intervals by bootstrap: photos of one author are drawn together, as their errors go together.

Percentile method (Efron 1979) over whole groups drawn with replacement (cluster bootstrap). Shapes: N photos,
G groups, M figures, R resamples.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

PERCENT = (2.5, 97.5)
MIN_RESAMPLES, MAX_RESAMPLES = 1_000, 10_000
_DRAWS = 100_000_000  # groups drawn in all; with fewer photos intervals are wider and need more resamples
_CELLS = 4_000_000  # of one block of resamples: 32 MB
_SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Resampling:
    """How the N photos of one data set are drawn again. Equal groups give equal draws: pairs stay pairs."""

    groups: np.ndarray  # (N,) from 0: the number of each photo's group
    by: Literal["author", "photo"]
    resamples: int

    @property
    def group_count(self) -> int:
        return int(self.groups.max()) + 1

    def select(self, rows: np.ndarray) -> Resampling:
        """The same for some of the photos, with the fewest resamples: there are many such slices."""
        _, groups = np.unique(self.groups[rows], return_inverse=True)
        return Resampling(groups=groups, by=self.by, resamples=MIN_RESAMPLES)

    def find_means(self, values: np.ndarray) -> np.ndarray:
        """(N, M) values -> (R, M): their means in every resample."""
        sums = np.zeros((self.group_count, values.shape[1] + 1))  # (G, M + 1), the last one counts photos
        np.add.at(sums, self.groups, np.column_stack([values, np.ones(len(values))]))
        totals = np.concatenate([counts @ sums for counts in self._draw()])
        return totals[:, :-1] / totals[:, -1:]

    def find_medians(self, values: np.ndarray) -> np.ndarray:
        """(N,) values, some perhaps infinite -> (R,): their median in every resample."""
        order = values.argsort(kind="stable")
        ranked, groups = values[order], self.groups[order]
        medians = []
        for counts in self._draw():
            below = counts[:, groups].cumsum(axis=1)  # (r, N) photos drawn up to each
            middle = below[:, -1:] / 2
            low, high = (below >= middle).argmax(axis=1), (below > middle).argmax(axis=1)
            medians.append((ranked[low] + ranked[high]) / 2)
        return np.concatenate(medians)

    def _draw(self) -> Iterator[np.ndarray]:
        """Blocks (r, G) of how often each group was drawn, R resamples in all."""
        rng, groups = np.random.default_rng(_SEED), self.group_count
        block = max(1, _CELLS // len(self.groups))
        for start in range(0, self.resamples, block):
            size = min(block, self.resamples - start)
            drawn = rng.integers(0, groups, (size, groups)) + groups * np.arange(size)[:, None]
            yield np.bincount(drawn.ravel(), minlength=size * groups).reshape(size, groups).astype(float)


def resample_by(authors: Sequence[str | None]) -> Resampling:
    """The resampling of N photos by these authors; a photo without one is a group of its own."""
    numbers: dict[str | int, int] = {}
    groups = [numbers.setdefault(author or row, len(numbers)) for row, author in enumerate(authors)]
    resamples = min(MAX_RESAMPLES, max(MIN_RESAMPLES, _DRAWS // max(1, len(groups))))
    by: Literal["author", "photo"] = "author" if any(authors) else "photo"
    return Resampling(groups=np.array(groups, dtype=np.int64), by=by, resamples=resamples)


def to_intervals(resampled: np.ndarray) -> np.ndarray:
    """(R, ...) figures of resamples -> (2, ...) ends of their 95 % intervals; either may be infinite."""
    method = "linear" if np.isfinite(resampled).all() else "inverted_cdf"
    return np.percentile(resampled, PERCENT, axis=0, method=method)  # type: ignore[call-overload]
