"""Search among some of the gallery's rows only: what is not allowed is never compared, so no beam ends there.

Few allowed rows are all compared. Many keep the gallery's tree without the cells that hold none of them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Protocol

import numpy as np

from geotool.core.errors import UsageError
from geotool.gallery.beam import BeamSearch
from geotool.gallery.exact import ExactSearch, Search
from geotool.gallery.gallery import Gallery
from geotool.gallery.search_plan import scale
from geotool.gallery.tree import Tree

FEW_ROWS = 50_000  # so many are compared in milliseconds, and the result is exact
# Beams were measured for the best row of all. Where that is not allowed, the best allowed one lies in worse
# cells. Measured against exact search on three galleries (Blue Marble's, GeoCLIP's, 150 000 generated points)
# with 24 areas, from one country to most of the Earth, and 240 generated queries or more from within each and
# from anywhere. Of the area that fared worst, the best allowed row was found by beams
#   as wide as before: for 97 % of the queries from within, 88 % of those from anywhere;
#   twice as wide: 99 % and 95 %;
#   three times as wide: 100 % and 98 %, with 6 200 comparisons among GeoCLIP's 94 100 instead of 4 200.
_WIDER = 3
_MASKS = 4  # kept: a batch and the layers of its map ask for the same one again


class Restriction(Protocol):
    """Where an answer may lie. Hashable; `geotool.answer.restriction` has the one that users type."""

    @property
    def description(self) -> str: ...

    def allows(self, latlon_deg: np.ndarray) -> np.ndarray: ...

    def __hash__(self) -> int: ...


@dataclass(frozen=True, slots=True)
class _Points:
    """The points of a gallery, told apart by its fingerprint."""

    fingerprint: str
    latlon_deg: np.ndarray = field(compare=False)


def find_allowed(gallery: Gallery, restriction: Restriction) -> np.ndarray:
    """(N,) bool: the gallery's rows that the restriction allows. The last few answers are kept."""
    return _find_allowed(_Points(gallery.meta.fingerprint, gallery.latlon_deg), restriction)


@lru_cache(maxsize=_MASKS)
def _find_allowed(points: _Points, restriction: Restriction) -> np.ndarray:
    allowed = restriction.allows(points.latlon_deg)
    allowed.flags.writeable = False  # shared by all who ask
    return allowed


def restrict(search: Search, gallery: Gallery, restriction: Restriction) -> Search:
    """The search of a gallery among its allowed rows only; `comparisons` counts what it really costs.

    Exact for exact search and for up to FEW_ROWS rows; else beams that open about _WIDER times as many rows
    as before. Raises UsageError where no gallery point is allowed.
    """
    rows = np.flatnonzero(find_allowed(gallery, restriction))
    if not len(rows):
        raise UsageError(
            f"No point of the gallery lies in the area asked for: {restriction.description}.",
            "Allow a larger area, or use a gallery with points there.",
        )
    if len(rows) == len(gallery):
        return search
    if isinstance(search, BeamSearch) and len(rows) > FEW_ROWS:
        tree = prune(gallery.tree, rows)
        return search.within(tree, _widen(search, tree), rows)
    device = search.device if isinstance(search, BeamSearch | ExactSearch) else "cpu"
    return ExactSearch(gallery.vectors, device, rows)


def prune(tree: Tree, rows: np.ndarray) -> Tree:
    """The tree over (A,) rising gallery rows, counted from 0, without the cells that hold none of them."""
    spans = np.searchsorted(rows, tree.children[-tree.leaf_count :])  # (L, 2) of each leaf
    is_kept = np.zeros(len(tree.children), dtype=bool)
    is_kept[-tree.leaf_count :] = spans[:, 0] < spans[:, 1]
    for start, count in reversed(list(zip(tree.offsets, tree.cells[:-1], strict=False))):
        level = slice(start, start + count)
        first, last = _count_before(is_kept)[tree.children[level]].T
        is_kept[level] = first < last
    children = np.concatenate([_count_before(is_kept)[tree.children[: -tree.leaf_count]], spans])
    cells = np.add.reduceat(is_kept.astype(np.int64), tree.offsets[:-1])
    return Tree(tree.centroids[is_kept], children[is_kept], tuple(cells.tolist()))


def _count_before(is_kept: np.ndarray) -> np.ndarray:
    """(M + 1,) how many cells are kept before each."""
    return np.append(0, np.cumsum(is_kept))


def _widen(search: BeamSearch, tree: Tree) -> tuple[int, ...]:
    """Beams that open about _WIDER times as many rows, of leaves that hold fewer, as the search opens now."""
    rows, allowed = int(search.tree.children[-1, 1]), int(tree.children[-1, 1])
    thinner = (rows / search.tree.leaf_count) / (allowed / tree.leaf_count)
    return scale(search.beams, tree.cells, round(search.beams[-1] * thinner * _WIDER))
