"""What `bench search` measures of faiss: its own indexes, and its scan over the leaves of our tree."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from typing import Any

import numpy as np

from geotool.bench.searchers import Family, label_beams, tree_bytes
from geotool.core.report import Report
from geotool.gallery.beam import BeamSearch
from geotool.gallery.exact import Found, Search
from geotool.gallery.gallery import Gallery

PROBES, EF_SEARCH = (8, 16, 32, 64, 128), (32, 128, 512)
NEIGHBOURS, LARGEST_GRAPH = 32, 1_000_000  # a graph over more points takes too long to build
_TRAINED_PER_LIST, _CHUNK, SEED = 64, 65_536, 0
_ROW_NUMBER, _LINKS = 8, 4 * 65 + 12  # bytes per point: its number in a list; its links in a graph


def faiss_families(gallery: Gallery, device: str, free_bytes: int | None, report: Report) -> list[Family]:
    """IVF with lists of its own, HNSW, and lists that are the leaves of our tree.

    Empty where faiss is not installed. IVF keeps fp16 where fp32 does not fit in memory.
    """
    if importlib.util.find_spec("faiss") is None:
        report.event("faiss is left out", because="it is not installed (see requirements-dev.txt)")
        return []
    is_large = free_bytes is not None and 3 * gallery.vectors.nbytes > free_bytes
    families = [_ivf_family(gallery, "fp16" if is_large else "fp32")]
    if len(gallery) <= LARGEST_GRAPH:
        families.append(_graph_family(gallery))
    else:
        report.event("faiss HNSW is left out", because=f"it is built up to {LARGEST_GRAPH:,} points")
    return [*families, *(_leaves_family(gallery, device, precision) for precision in ("fp16", "fp32"))]


class FaissSearch:
    """A faiss index as a Search. Comparisons are the mean over the batch; faiss counts no others."""

    def __init__(self, index: Any, parameters: Any, statistics: Any, before: int = 0) -> None:
        self._index, self._parameters = index, parameters
        self._statistics, self._before = statistics, before  # comparisons that faiss does not count

    def search(self, queries: np.ndarray, top_k: int) -> Found:
        self._statistics.reset()
        cosines, rows = self._index.search(queries, top_k, params=self._parameters)
        mean = self._before + self._statistics.ndis / len(queries)
        return Found(rows, cosines, np.full(len(queries), mean))


class LeafSearch:
    """faiss scans the leaves that our beam reaches, instead of our gathering their rows."""

    def __init__(self, index: Any, beam: BeamSearch, statistics: Any) -> None:
        self._index, self._beam, self._statistics = index, beam, statistics

    def search(self, queries: np.ndarray, top_k: int) -> Found:
        leaves = self._beam.find_leaves(queries)
        self._statistics.reset()
        self._index.nprobe = leaves.numbers.shape[1]
        cosines, rows = self._index.search_preassigned(queries, top_k, leaves.numbers, None)
        mean = leaves.comparisons.mean() + self._statistics.ndis / len(queries)
        return Found(rows, cosines, np.full(len(queries), mean))


def _load_faiss() -> Any:
    """The module, untyped: its stubs lack much of it."""
    import faiss

    return faiss


def _ivf_family(gallery: Gallery, precision: str) -> Family:
    size, dim = gallery.vectors.shape
    lists = min(round(4 * size**0.5), size)
    trained = min(_TRAINED_PER_LIST * lists, size)
    stored = _lists_bytes(gallery, precision) + 4 * dim * lists

    def build() -> dict[str, Search]:
        faiss = _load_faiss()
        index = _new_lists(dim, lists, precision)
        rows = np.sort(np.random.default_rng(SEED).choice(size, trained, replace=False))
        index.cp.min_points_per_centroid = 1  # a tiny gallery is no reason for a warning
        index.train(gallery.vectors[rows].astype(np.float32))
        owners = [index.quantizer.assign(part, 1)[:, 0] for part in _chunks(gallery.vectors)]
        _fill(index, gallery.vectors, np.concatenate(owners))
        return {
            f"faiss IVF-Flat {precision}, {lists} lists, nprobe {probes}": FaissSearch(
                index, faiss.SearchParametersIVF(nprobe=probes), faiss.cvar.indexIVF_stats, lists
            )
            for probes in PROBES
        }

    return Family(
        name=f"faiss IVF-Flat {precision}",
        memory_bytes=stored,
        allocated_bytes=stored + 4 * dim * trained,
        build=build,
    )


def _graph_family(gallery: Gallery) -> Family:
    size, dim = gallery.vectors.shape
    name, stored = f"faiss HNSW{NEIGHBOURS}", size * (4 * dim + _LINKS)

    def build() -> dict[str, Search]:
        faiss = _load_faiss()
        index = faiss.IndexHNSWFlat(dim, NEIGHBOURS, faiss.METRIC_INNER_PRODUCT)
        index.add(gallery.vectors.astype(np.float32))
        return {
            f"{name}, efSearch {ef}": FaissSearch(
                index, faiss.SearchParametersHNSW(efSearch=ef), faiss.cvar.hnsw_stats
            )
            for ef in EF_SEARCH
        }

    return Family(name=name, memory_bytes=stored, allocated_bytes=2 * stored, build=build)


def _leaves_family(gallery: Gallery, device: str, precision: str) -> Family:
    name, stored = f"faiss preassigned {precision}", _lists_bytes(gallery, precision)

    def build() -> dict[str, Search]:
        faiss = _load_faiss()
        tree, statistics = gallery.tree, faiss.cvar.indexIVF_stats
        index = _new_lists(gallery.vectors.shape[1], tree.leaf_count, precision)
        sizes = np.diff(tree.children[-tree.leaf_count :], axis=1)[:, 0]
        _fill(index, gallery.vectors, np.repeat(np.arange(tree.leaf_count), sizes))
        beams = gallery.plan.chosen.beams
        search = BeamSearch(gallery.vectors, tree, beams, device)
        return {f"{name} {label_beams(gallery, beams)}": LeafSearch(index, search, statistics)}

    return Family(
        name=name,
        memory_bytes=stored + tree_bytes(gallery),
        allocated_bytes=stored + tree_bytes(gallery),
        build=build,
    )


def _new_lists(dim: int, lists: int, precision: str) -> Any:
    """An empty IVF index for unit vectors, stored as fp32 or fp16."""
    faiss = _load_faiss()
    coarse, metric = faiss.IndexFlatIP(dim), faiss.METRIC_INNER_PRODUCT
    if precision == "fp32":
        return faiss.IndexIVFFlat(coarse, dim, lists, metric)
    half = faiss.ScalarQuantizer.QT_fp16
    return faiss.IndexIVFScalarQuantizer(coarse, dim, lists, half, metric, False)  # no residuals


def _fill(index: Any, vectors: np.ndarray, owners: np.ndarray) -> None:
    """Put row i of (N, D) vectors into list owners[i]."""
    faiss = _load_faiss()
    for number, count in enumerate(np.bincount(owners, minlength=index.nlist).tolist()):
        index.invlists.resize(number, count)  # keeps that room: a list that grows takes up to twice its size
        index.invlists.resize(number, 0)
    index.is_trained = True
    start = 0
    for part in _chunks(vectors):
        own = np.ascontiguousarray(owners[start : start + len(part)], dtype=np.int64)
        index.add_core(len(part), faiss.swig_ptr(part), None, faiss.swig_ptr(own))
        start += len(part)


def _chunks(vectors: np.ndarray) -> Iterator[np.ndarray]:
    """The rows as fp32, some at a time."""
    for start in range(0, len(vectors), _CHUNK):
        yield vectors[start : start + _CHUNK].astype(np.float32)


def _lists_bytes(gallery: Gallery, precision: str) -> int:
    width = {"fp16": 1, "fp32": 2}[precision] * gallery.vectors.nbytes
    return width + _ROW_NUMBER * len(gallery)
