"""The tree over a gallery: nested k-means cells of the embeddings, searched coarse to fine.

Every cell stands for its points by their normalised mean. The children of a cell have consecutive
numbers, and the rows of the gallery lie in the order of the leaves, so that a search reads blocks.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from geotool.core.artifacts import write_json
from geotool.core.errors import MismatchError, UsageError

CENTROIDS_FILE, CHILDREN_FILE, LEVELS_FILE = "tree_centroids.npy", "tree_children.npy", "tree.json"
_PER_LEAF = 8  # points of the sample for each leaf
# Of the vectors the tree is built from: 1 GB as float32 at 512 dimensions, and k-means takes some more.
_MIN_SAMPLE, _MAX_SAMPLE = 200_000, 1 << 19
_TRAINED_PER_CELL = 256  # k-means moves its centroids by that many points each; more changes little
_ITERATIONS = 12


@dataclass(frozen=True, slots=True)
class Tree:
    """Cells of all levels, numbered level by level.

    `centroids` (M, D) float16 unit vectors; `children` (M, 2) int64 first and past-last child of each
    cell: cells of the next level or, for leaves, gallery rows (0, 0 before the rows are known);
    `cells` counts the cells of each level.
    """

    centroids: np.ndarray
    children: np.ndarray
    cells: tuple[int, ...]

    @property
    def leaf_count(self) -> int:
        return self.cells[-1]

    def assign(self, vectors: np.ndarray) -> np.ndarray:
        """(n, D) float32 unit vectors -> (n,) numbers of their leaves, from 0: down the best child."""
        found = (vectors @ self.centroids[: self.cells[0]].astype(np.float32).T).argmax(axis=1)
        for _ in self.cells[1:]:
            order = np.argsort(found, kind="stable")
            bounds = np.flatnonzero(np.diff(found[order], prepend=-1, append=len(self.children)))
            for start, stop in pairwise(bounds):
                rows = order[start:stop]
                first, last = self.children[found[rows[0]]]
                block = self.centroids[first:last].astype(np.float32)
                found[rows] = first + (vectors[rows] @ block.T).argmax(axis=1)
        return found - (len(self.children) - self.leaf_count)

    def with_rows(self, counts: np.ndarray) -> Tree:
        """The tree over rows in leaf order; (L,) `counts` says how many each leaf holds."""
        stops = np.cumsum(counts)
        children = self.children.copy()
        children[-self.leaf_count :] = np.stack([stops - counts, stops], axis=1)
        return Tree(self.centroids, children, self.cells)


def choose_branching(size: int) -> tuple[int, ...]:
    """Children per cell, level by level, for a gallery of `size` points; () where a tree gains nothing.

    Equal branching costs the fewest comparisons; four levels (three of cells) are the best at 100 000
    points and more, by `bench search`. Above some million points leaves grow, not the branching: the
    sample that the tree is built from could not tell more leaves apart.
    """
    if size < 512:
        return ()
    levels = 2 if size < 4096 else 3 if size < 32_768 else 4
    most = round((_MAX_SAMPLE / _PER_LEAF) ** (1 / (levels - 1)))
    return (min(round(size ** (1 / levels)), most),) * (levels - 1)


def sample_size(size: int, branching: Sequence[int] | None = None) -> int:
    """How many points of a gallery `build_tree` should see."""
    branching = choose_branching(size) if branching is None else branching
    return min(size, _MAX_SAMPLE, max(_MIN_SAMPLE, _PER_LEAF * int(np.prod(branching or (1,)))))


def build_tree(sample: np.ndarray, size: int, branching: Sequence[int] | None = None, seed: int = 0) -> Tree:
    """Cluster (S, D) unit vectors, a sample of a gallery of `size` points, level by level.

    k-means runs on centred and normalised vectors (k-means of embeddings that share a mean would
    find the mean); a cell gets children in proportion to its points, so that leaves are about equal.
    Raises UsageError for a branching below 2.
    """
    branching = choose_branching(size) if branching is None else tuple(branching)
    if any(count < 2 for count in branching):
        raise UsageError(f"A branching of {branching} splits nothing.", "Every level needs 2 or more.")
    centred = sample - sample.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)  # in place: it is large
    owner = np.zeros(len(sample), dtype=np.int64)  # (S,) cell of each point in the level above
    levels, firsts = [], []
    for wanted in np.cumprod(branching or (1,)):
        owner, first = _split(centred, owner, int(wanted), seed)
        levels.append(_means(sample, owner, int(first[-1])))
        firsts.append(first)
    return _join(levels, firsts)


def _split(vectors: np.ndarray, owner: np.ndarray, wanted: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split every cell into about `wanted` children in all: (S,) child of each point, (C + 1,) firsts."""
    order = np.argsort(owner, kind="stable")
    sizes = np.bincount(owner)
    child, first = np.empty_like(owner), [0]
    for rows in np.split(order, np.cumsum(sizes)[:-1]):
        count = max(1, round(wanted * len(rows) / len(owner)))
        labels = _cluster(vectors[rows], min(count, len(rows)), seed)
        child[rows] = first[-1] + labels
        first.append(first[-1] + int(labels.max()) + 1)
    return child, np.array(first)


def _cluster(vectors: np.ndarray, count: int, seed: int) -> np.ndarray:
    """(n,) labels 0, 1, ... without gaps, at most `count` of them."""
    if count == 1:
        return np.zeros(len(vectors), dtype=np.int64)
    from sklearn.cluster import KMeans
    from sklearn.exceptions import ConvergenceWarning

    rng = np.random.default_rng(seed)
    few = min(len(vectors), _TRAINED_PER_CELL * count)
    trained = vectors[np.sort(rng.choice(len(vectors), few, replace=False))]
    means = KMeans(count, init="random", n_init=1, max_iter=_ITERATIONS, random_state=seed)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # equal points: fewer cells, as wanted
        labels = means.fit(trained).predict(vectors) if few < len(vectors) else means.fit_predict(vectors)
    return np.unique(labels, return_inverse=True)[1]


def _means(vectors: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """(C, D) normalised mean of the vectors of each label."""
    order = np.argsort(labels, kind="stable")
    starts = np.searchsorted(labels[order], np.arange(count))
    return _unit(np.add.reduceat(vectors[order], starts, axis=0)).astype(np.float16)


def _join(levels: list[np.ndarray], firsts: list[np.ndarray]) -> Tree:
    """Number the cells of all levels in one row."""
    cells = tuple(len(level) for level in levels)
    offsets = np.cumsum((0, *cells))
    children = [
        offsets[depth] + np.stack([first[:-1], first[1:]], axis=1)
        for depth, first in enumerate(firsts)
        if depth > 0  # the first level has no parents
    ]
    leaves = np.zeros((cells[-1], 2), dtype=np.int64)
    return Tree(np.concatenate(levels), np.concatenate([*children, leaves]), cells)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12)


def write_tree(folder: Path, tree: Tree) -> None:
    """Write the files of a tree into an artefact's folder."""
    np.save(folder / CENTROIDS_FILE, tree.centroids)
    np.save(folder / CHILDREN_FILE, tree.children)
    write_json(folder / LEVELS_FILE, {"cells": tree.cells})


def load_tree(folder: Path, rows: int, hint: str) -> Tree:
    """Load the tree over `rows` gallery rows. Raises MismatchError where the files do not fit."""
    try:
        cells = tuple(json.loads((folder / LEVELS_FILE).read_text(encoding="utf-8"))["cells"])
        centroids = np.load(folder / CENTROIDS_FILE, allow_pickle=False)
        children = np.load(folder / CHILDREN_FILE, allow_pickle=False)
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MismatchError(f"The tree in {folder} is damaged: {error}.", hint) from error
    tree = Tree(centroids, children, cells)
    if not _is_sound(tree, rows):
        raise MismatchError(f"The tree in {folder} is damaged: its files do not fit.", hint)
    return tree


def _is_sound(tree: Tree, rows: int) -> bool:
    """Every cell but those of the first level, and every row, is the child of exactly one cell."""
    count = sum(tree.cells)
    fits = tree.children.shape == (count, 2) and len(tree.centroids) == count and len(tree.cells) > 0
    if not fits or tree.centroids.dtype != np.float16:
        return False
    inner, leaves = np.split(tree.children, [count - tree.cells[-1]])
    return _tile(inner, tree.cells[0], count) and _tile(leaves, 0, rows)


def _tile(ranges: np.ndarray, start: int, stop: int) -> bool:
    """Whether (n, 2) ranges lie one behind the other from `start` to `stop`."""
    if len(ranges) == 0:
        return start == stop
    follows = (ranges[1:, 0] == ranges[:-1, 1]).all() and (ranges[:, 0] <= ranges[:, 1]).all()
    return bool(follows and ranges[0, 0] == start and ranges[-1, 1] == stop)
