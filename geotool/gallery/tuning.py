"""How wide a beam has to be: agreement with exact search against comparisons, measured for each gallery."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import product
from typing import Protocol

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.sphere import from_xyz, to_xyz
from geotool.gallery.beam import BeamSearch
from geotool.gallery.exact import search_blocks
from geotool.gallery.search_plan import BeamPoint, SearchPlan
from geotool.gallery.tree import Tree

AGREEMENT = 0.99  # top-1 agreement with exact search that the default beam has to reach
QUERIES, SEED = 300, 20
TOP_K = 10
COSINE = (0.3, 0.6)  # of a photo with its true place, on GeoCLIP
_CELLS_AT_ONCE = 65_536  # compared with all queries: 160 MB
_MOVED_KM, _OTHERS_KM, _OTHERS = (1.0, 50.0), (30.0, 6000.0), 7
# Shares of the queries whose best point a proposal reaches for certain, from narrow to wide beams.
_SHARES = (0.7, 0.8, 0.85, 0.9, 0.92, 0.94, 0.95, 0.96, 0.97, 0.98, 0.985, 0.99, 0.995, 1.0)


class LocationModel(Protocol):
    """What queries need of a model."""

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray: ...


def make_queries(
    model: LocationModel, latlon_deg: np.ndarray, count: int, seed: int
) -> dict[str, np.ndarray]:
    """(count, D) queries of two kinds that embeddings of photos lie between, none of them a gallery point.

    "near" is a place 1 to 50 km from a gallery point, buried in noise to a cosine of 0.3 to 0.6;
    "mixed" a photo that could be from many places: the truth and seven others 30 to 6000 km away.
    """
    rng = np.random.default_rng(seed)
    start = latlon_deg[rng.integers(len(latlon_deg), size=count)]
    truth = model.encode_locations(move(start, _MOVED_KM, rng))  # (Q, D)
    others = model.encode_locations(move(np.repeat(start, _OTHERS, axis=0), _OTHERS_KM, rng))
    weights = rng.uniform(0.2, 0.8, size=(count, _OTHERS, 1))
    mixed = truth + (others.reshape(count, _OTHERS, -1) * weights).sum(axis=1)
    return {"near": bury(truth, rng), "mixed": bury(unit(mixed), rng)}


def move(latlon_deg: np.ndarray, reach_km: tuple[float, float], rng: np.random.Generator) -> np.ndarray:
    """(n, 2) places in any direction from the given ones, as often 1 to 2 km away as 10 to 20."""
    start = to_xyz(latlon_deg)
    low, high = np.log(reach_km)
    angle = np.exp(rng.uniform(low, high, size=(len(start), 1))) / EARTH_RADIUS_KM
    aside = rng.normal(size=start.shape)
    aside = unit(aside - (aside * start).sum(axis=1, keepdims=True) * start)
    return from_xyz(np.cos(angle) * start + np.sin(angle) * aside)


def bury(vectors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The (n, D) unit vectors in noise, as a photo's embedding is: cosine COSINE to what they were."""
    noise = unit(rng.normal(size=vectors.shape))
    cosine = rng.uniform(*COSINE, size=(len(vectors), 1))
    return unit(cosine * vectors + np.sqrt(1 - cosine**2) * noise).astype(np.float32)


def plan_search(vectors: np.ndarray, tree: Tree, queries: Mapping[str, np.ndarray]) -> SearchPlan:
    """Measure the curve from narrow to wide beams and choose the cheapest one that agrees in AGREEMENT."""
    exact = {kind: search_blocks(vectors, found, TOP_K, "cpu").rows for kind, found in queries.items()}
    ranks = np.stack([find_ranks(tree, queries[kind], rows[:, 0]) for kind, rows in exact.items()])
    curve: list[BeamPoint] = []
    for beams in propose_beams(tree, ranks):
        search = BeamSearch(vectors, tree, beams, "cpu")
        point = _measure(search, [(queries[kind], exact[kind]) for kind in queries])
        if not curve or point.agreement > curve[-1].agreement:  # else it only costs more
            curve.append(point)
        if point.agreement >= AGREEMENT:  # what is wider costs more, also to measure
            break
    return SearchPlan(chosen=curve[-1], curve=tuple(curve))


def find_ranks(tree: Tree, queries: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """(Q, levels) ranks from 1, among all cells of a level, of the cell that holds each query's row."""
    cell = np.searchsorted(tree.children[-tree.leaf_count :, 1], rows, side="right")  # (Q,)
    ranks = []
    for start, count, above in reversed(
        list(zip(tree.offsets, tree.cells, tree.find_parents(), strict=False))
    ):
        ranks.append(_rank(queries, tree.centroids[start : start + count], cell))
        cell = above[cell]
    return np.stack(ranks[::-1], axis=1)


def _rank(queries: np.ndarray, centroids: np.ndarray, cell: np.ndarray) -> np.ndarray:
    """(Q,) rank from 1 of one cell for each query, among the (C, D) cells of a level."""
    own = (queries * centroids[cell].astype(np.float32)).sum(axis=1, keepdims=True)  # (Q, 1)
    rank = np.ones(len(queries), dtype=np.int64)
    for start in range(0, len(centroids), _CELLS_AT_ONCE):
        block = centroids[start : start + _CELLS_AT_ONCE].astype(np.float32)
        cosines = queries @ block.T  # (Q, c)
        is_own = cell[:, None] == np.arange(start, start + len(block))  # sums differ in the last place
        rank += ((cosines > own) & ~is_own).sum(axis=1)
    return rank


def propose_beams(tree: Tree, ranks: np.ndarray) -> list[tuple[int, ...]]:
    """The cheapest beams for each of _SHARES, from cheap to dear; (kinds, Q, levels) `ranks`.

    A beam as wide as the rank of a cell among all cells of its level opens that cell: beams reach at
    least the queries that have no higher rank on any level, in truth some more.
    """
    fine = np.append(np.linspace(0.6, 1, 17), (0.985, 0.99, 0.995))
    steps = [
        np.unique(np.quantile(ranks[..., level], fine, method="higher")) for level in range(ranks.shape[2])
    ]
    choices = np.array(list(product(*steps)))  # (beams, levels)
    shares = np.array([(ranks <= choice).all(axis=2).mean(axis=1).min() for choice in choices])
    sizes = np.diff(tree.children, axis=1)[:, 0]
    width = [
        sizes[start : start + count].mean() for start, count in zip(tree.offsets, tree.cells, strict=False)
    ]
    costs = choices @ np.array(width)
    best = [np.flatnonzero(shares >= share)[costs[shares >= share].argmin()] for share in _SHARES]
    return list(dict.fromkeys(tuple(choices[index].tolist()) for index in best))


def _measure(search: BeamSearch, pairs: Sequence[tuple[np.ndarray, np.ndarray]]) -> BeamPoint:
    """One point of the curve, over (queries, exact rows) of every kind."""
    found = [(search.search(queries, rows.shape[1]), rows) for queries, rows in pairs]
    return BeamPoint(
        beams=search.beams,
        comparisons=float(np.mean([result.comparisons.mean() for result, _ in found])),
        agreement=min(find_agreement(result.rows, rows, 1) for result, rows in found),
        agreement_at_10=min(find_agreement(result.rows, rows, TOP_K) for result, rows in found),
    )


def find_agreement(rows: np.ndarray, exact_rows: np.ndarray, top_k: int) -> float:
    """Share of the best `top_k` exact rows that were found among as many."""
    pairs = zip(rows[:, :top_k].tolist(), exact_rows[:, :top_k].tolist(), strict=True)
    return float(np.mean([len(set(found) & set(exact)) / len(exact) for found, exact in pairs]))


def unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)
