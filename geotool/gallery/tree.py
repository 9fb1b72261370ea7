"""A tree over the rows of a gallery: cells within cells, each standing for its points by their mean.

The children of a cell have consecutive numbers, and the rows of the gallery lie in the order of the
leaves, so that a search reads blocks.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from geotool.core.artifacts import write_json
from geotool.core.errors import MismatchError

CENTROIDS_FILE, CHILDREN_FILE, LEVELS_FILE = "tree_centroids.npy", "tree_children.npy", "tree.json"
# Cells of each level that are opened to find the leaf of a point. Down the single best path, a point near
# a border often misses the leaf that fits it best, and is then missed by searches.
ASSIGN_BEAM = 4


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

    @property
    def offsets(self) -> np.ndarray:
        """Number of the first cell of each level, and the count of all cells."""
        return np.cumsum((0, *self.cells))

    def assign(self, vectors: np.ndarray) -> np.ndarray:
        """(n, D) float32 unit vectors -> (n,) numbers of their leaves, from 0: the best that a beam finds."""
        cosines = vectors @ self.centroids[: self.cells[0]].astype(np.float32).T  # (n, C)
        cells = np.broadcast_to(np.arange(self.cells[0]), cosines.shape)
        for _ in self.cells[1:]:
            cells, cosines = self._open(vectors, _best(cells, cosines, ASSIGN_BEAM))
        return _best(cells, cosines, 1)[:, 0] - int(self.offsets[-2])

    def find_parents(self) -> list[np.ndarray]:
        """For the cells of each level, their cell in the level above; both counted from 0."""
        sizes = np.diff(self.children, axis=1)[:, 0]
        parents = [np.zeros(self.cells[0], dtype=np.int64)]
        for start, count in zip(self.offsets, self.cells[:-1], strict=False):
            parents.append(np.repeat(np.arange(count), sizes[start : start + count]))
        return parents

    def with_rows(self, counts: np.ndarray) -> Tree:
        """The tree over rows in leaf order; (L,) `counts` says how many each leaf holds."""
        stops = np.cumsum(counts)
        children = self.children.copy()
        children[-self.leaf_count :] = np.stack([stops - counts, stops], axis=1)
        return Tree(self.centroids, children, self.cells)

    def _open(self, vectors: np.ndarray, cells: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The children of (n, b) cells and their cosines, (n, b * w) each; minus infinity for filling.

        Vectors that open the same cell are compared together.
        """
        first, last = self.children[cells].transpose(2, 0, 1)  # (n, b)
        children = first[..., None] + np.arange(int((last - first).max()))  # (n, b, w)
        cosines = np.full(children.shape, -np.inf, np.float32)
        flat = cosines.reshape(cells.size, -1)
        for cell, places in _group(cells.ravel()):
            first_child, last_child = self.children[cell]
            block = self.centroids[first_child:last_child].astype(np.float32)
            flat[places, : len(block)] = vectors[places // cells.shape[1]] @ block.T
        return children.reshape(len(cells), -1), cosines.reshape(len(cells), -1)


def _best(cells: np.ndarray, cosines: np.ndarray, count: int) -> np.ndarray:
    """(n, b) the cells of the highest cosines of each row, best first."""
    best = torch.from_numpy(cosines).topk(min(count, cells.shape[1]), dim=1).indices.numpy()
    return np.take_along_axis(cells, best, axis=1)


def _group(labels: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Each label and where it stands."""
    order = np.argsort(labels, kind="stable")
    bounds = np.flatnonzero(np.diff(labels[order], prepend=-1))
    for start, stop in pairwise([*bounds.tolist(), len(labels)]):
        yield int(labels[order[start]]), order[start:stop]


def write_tree(folder: Path, tree: Tree) -> None:
    """Write the files of a tree into an artefact's folder."""
    np.save(folder / CENTROIDS_FILE, tree.centroids)
    np.save(folder / CHILDREN_FILE, tree.children)
    write_json(folder / LEVELS_FILE, {"cells": tree.cells})


def load_tree(folder: Path, rows: int, hint: str) -> Tree:
    """Load the tree over `rows` gallery rows. Raises MismatchError where the files do not fit."""
    try:
        cells = tuple(json.loads((folder / LEVELS_FILE).read_text(encoding="utf-8"))["cells"])
        centroids = np.load(folder / CENTROIDS_FILE, mmap_mode="r", allow_pickle=False)
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
