"""One more level of cells, for galleries so large that the leaves of their tree hold many rows.

A sample of the points can tell only so many leaves apart. The rows themselves tell more: each leaf is
split by those that lie in it, while the gallery is put in the order of its leaves.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geotool.gallery.tree import Tree

SPLIT_ABOVE = 48  # rows per leaf, on average, from which another level saves comparisons
_ROWS_PER_CELL = 12
_ITERATIONS = 8


class Cells(NamedTuple):
    """The cells that the rows of some consecutive leaves fall into."""

    means: np.ndarray  # (C, D) float16 unit vectors
    rows: np.ndarray  # (C,) rows of each cell
    counts: np.ndarray  # (L,) cells of each leaf


def needs_splitting(tree: Tree, size: int) -> bool:
    """Whether the leaves of a tree over `size` rows are too large to be compared row by row."""
    return size > SPLIT_ABOVE * tree.leaf_count


def split_leaves(vectors: np.ndarray, leaves: np.ndarray, leaf_count: int) -> tuple[np.ndarray, Cells]:
    """Split each leaf into cells of about equal rows; (n, D) unit vectors and the (n,) leaf of each.

    Gives the (n,) order of the rows, one cell after the other, and the cells.
    """
    order = np.argsort(leaves, kind="stable")  # rows of one cell stay in their order
    stops = np.cumsum(np.bincount(leaves, minlength=leaf_count))
    members = np.split(order, stops[:-1])
    parts = [_split(vectors[rows].astype(np.float32)) for rows in members]
    cells = Cells(*(np.concatenate(column) for column in zip(*(part for _, part in parts), strict=True)))
    return np.concatenate([rows[inner] for rows, (inner, _) in zip(members, parts, strict=True)]), cells


def add_level(tree: Tree, parts: Sequence[Cells]) -> Tree:
    """The tree over rows in the order of `parts`, which hold the cells of all its leaves, leaf by leaf."""
    first = sum(tree.cells)
    stops = np.cumsum(np.concatenate([part.counts for part in parts]))
    starts = np.concatenate([[0], stops[:-1]])
    children = tree.children.copy()
    children[-tree.leaf_count :] = first + np.stack([starts, stops], axis=1)
    count = int(stops[-1])
    grown = Tree(
        np.concatenate([tree.centroids, *(part.means for part in parts)]),
        np.concatenate([children, np.zeros((count, 2), dtype=np.int64)]),
        (*tree.cells, count),
    )
    return grown.with_rows(np.concatenate([part.rows for part in parts]))


def _split(vectors: np.ndarray) -> tuple[np.ndarray, Cells]:
    """The order of one leaf's rows, and its cells."""
    count = round(len(vectors) / _ROWS_PER_CELL)
    labels = _cluster(vectors, count) if count > 1 else np.zeros(len(vectors), dtype=np.int64)
    _, labels, rows = np.unique(labels, return_inverse=True, return_counts=True)
    order = np.argsort(labels, kind="stable")
    means = np.zeros((len(rows), vectors.shape[1]), dtype=np.float32)
    if len(rows):
        means = np.add.reduceat(vectors[order], np.cumsum(rows) - rows)
    means /= np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-12)
    return order, Cells(means.astype(np.float16), rows, np.array([len(rows)]))


def _cluster(vectors: np.ndarray, count: int) -> np.ndarray:
    """(n,) labels below `count`, some of them perhaps unused."""
    from scipy.cluster.vq import kmeans2  # a third of scikit-learn's time for so few rows

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # an empty cell is left out
        return kmeans2(vectors, count, iter=_ITERATIONS, minit="points", rng=0)[1]
