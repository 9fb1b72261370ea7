"""Builds the tree over a gallery: nested k-means cells of the embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence

import numpy as np

from geotool.core.errors import UsageError
from geotool.gallery.tree import Tree

_ROWS_PER_LEAF = 9
_PER_LEAF = 8  # points of the sample for each leaf
# Of the vectors the tree is built from: 1 GB as float32 at 512 dimensions, and k-means takes some more.
_MIN_SAMPLE, _MAX_SAMPLE = 200_000, 1 << 19
_TRAINED_PER_CELL = 256  # k-means moves its centroids by that many points each; more changes little
_ITERATIONS = 12
_CHUNK = 16_384  # points that stand in memory as float32


def choose_branching(size: int) -> tuple[int, ...]:
    """Children per cell, level by level, for a gallery of `size` points; () where a tree gains nothing.

    Equal branching and small leaves cost the fewest comparisons; three levels of cells are the best at
    100 000 points and more, by `bench search`. Above half a million points leaves grow, not the
    branching: the sample that the tree is built from could not tell more leaves apart.
    """
    if size < 512:
        return ()
    levels = 1 if size < 4096 else 2 if size < 32_768 else 3
    leaves = min(size / _ROWS_PER_LEAF, _MAX_SAMPLE / _PER_LEAF)
    return (round(leaves ** (1 / levels)),) * levels


def sample_size(size: int, branching: Sequence[int] | None = None) -> int:
    """How many points of a gallery `build_tree` should see."""
    branching = choose_branching(size) if branching is None else branching
    return min(size, _MAX_SAMPLE, max(_MIN_SAMPLE, _PER_LEAF * int(np.prod(branching or (1,)))))


def build_tree(sample: np.ndarray, size: int, branching: Sequence[int] | None = None, seed: int = 0) -> Tree:
    """Cluster (S, D) unit vectors of any float type, a sample of a gallery of `size` points, level by level.

    k-means runs on centred and normalised vectors (k-means of embeddings that share a mean would
    find the mean); a cell gets children in proportion to its points, so that leaves are about equal.
    At last every point moves to the leaf that fits it best of all, and the cells become the means of
    what they hold then. Raises UsageError for a branching below 2.
    """
    branching = choose_branching(size) if branching is None else tuple(branching)
    if any(count < 2 for count in branching):
        raise UsageError(f"A branching of {branching} splits nothing.", "Every level needs 2 or more.")
    leaves, parents = _split_levels(sample, branching or (1,), seed)
    tree = _grow(sample, leaves, parents)
    return _grow(sample, assign_all(tree, sample), tree.find_parents())


def assign_all(tree: Tree, vectors: np.ndarray) -> np.ndarray:
    """(N,) leaves of (N, D) vectors of any float type, some at a time."""
    starts = range(0, len(vectors), _CHUNK)
    return np.concatenate(
        [tree.assign(vectors[start : start + _CHUNK].astype(np.float32)) for start in starts]
    )


def _split_levels(
    sample: np.ndarray, branching: Sequence[int], seed: int
) -> tuple[np.ndarray, list[np.ndarray]]:
    """(S,) leaf of each point, and for the cells of each level their cell in the level above."""
    centred = sample.astype(np.float32)  # from here on in place: it is large
    centred -= centred.mean(axis=0)
    centred /= np.maximum(np.linalg.norm(centred, axis=1, keepdims=True), 1e-12)
    owner, parents = np.zeros(len(sample), dtype=np.int64), []
    for wanted in np.cumprod(branching):
        owner, counts = _split(centred, owner, int(wanted), seed)
        parents.append(np.repeat(np.arange(len(counts)), counts))
    return owner, parents


def _split(vectors: np.ndarray, owner: np.ndarray, wanted: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Split every cell into about `wanted` children in all: (S,) child of each point, (C,) children each."""
    order = np.argsort(owner, kind="stable")
    sizes = np.bincount(owner)
    child, counts = np.empty_like(owner), np.empty_like(sizes)
    for cell, rows in enumerate(np.split(order, np.cumsum(sizes)[:-1])):
        count = max(1, round(wanted * len(rows) / len(owner)))
        members = vectors if len(rows) == len(vectors) else vectors[rows]
        labels = _cluster(members, min(count, len(rows)), seed)
        child[rows] = counts[:cell].sum() + labels
        counts[cell] = labels.max() + 1
    return child, counts


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


def _grow(sample: np.ndarray, leaves: np.ndarray, parents: Sequence[np.ndarray]) -> Tree:
    """The tree whose leaves hold these points: every cell the mean of its own, empty ones left out."""
    labels, levels, counts = leaves, [], []
    for above in reversed(parents):
        kept, labels = np.unique(labels, return_inverse=True)
        levels.append(_means(sample, labels, len(kept)))
        counts.append(np.unique(above[kept], return_counts=True)[1])  # of the cells in the level above
        labels = above[kept][labels]
    return _join(levels[::-1], counts[:-1][::-1])


def _means(vectors: np.ndarray, labels: np.ndarray, count: int) -> np.ndarray:
    """(C, D) normalised mean of the vectors of each label."""
    from scipy.sparse import csr_array

    sums = np.zeros((count, vectors.shape[1]), np.float32)
    for start in range(0, len(vectors), _CHUNK):
        part, owners = vectors[start : start + _CHUNK].astype(np.float32), labels[start : start + _CHUNK]
        columns = np.arange(len(part))
        sums += csr_array((np.ones(len(part), np.float32), (owners, columns)), (count, len(part))) @ part
    return (sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12)).astype(np.float16)


def _join(levels: Sequence[np.ndarray], counts: Sequence[np.ndarray]) -> Tree:
    """Number the cells of all levels in one row; (C,) `counts` of children for each level but the last."""
    cells = tuple(len(level) for level in levels)
    starts = np.cumsum(cells)
    children = [
        start + np.stack([np.cumsum(count) - count, np.cumsum(count)], axis=1)
        for start, count in zip(starts, counts, strict=False)
    ]
    leaves = np.zeros((cells[-1], 2), dtype=np.int64)
    return Tree(np.concatenate(levels), np.concatenate([*children, leaves]), cells)
