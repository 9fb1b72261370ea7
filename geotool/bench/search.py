"""`bench search`: exact search of GeoCLIP's real gallery, ours against plain fp32 and faiss."""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from geotool.bench.timing import least_seconds, peak_memory_mb
from geotool.core.report import Report
from geotool.gallery.exact import ExactSearch
from geotool.model import geoclip_package
from geotool.model.devices import choose_precision, find_device, to_dtype
from geotool.model.location_encoder import LocationEncoder, LocationSpec

QUERIES, BATCH, SEED = 256, 256, 0
NEAR_COSINE = (0.3, 0.6)  # a photo's cosine with its true place, on GeoCLIP
_KINDS = ("near", "mixed")

Searcher = Callable[[np.ndarray, int], tuple[np.ndarray, np.ndarray]]


def run_search(device: str, rounds: int, report: Report) -> list[dict[str, Any]]:
    """Rows of time and agreement per method and kind of query, over GeoCLIP's 94 100 points.

    Queries: "near" is a gallery point buried in noise (cosine 0.3 to 0.6), "mixed" a point mixed with seven
    others and noise. Agreement is with plain fp32, by row, which is by coordinate: there are no duplicates.
    """
    place = find_device(device)
    start = time.perf_counter()
    vectors = _encode_gallery(place)
    report.event("gallery encoded", points=len(vectors), seconds=time.perf_counter() - start)
    searchers, build_s = _build_searchers(vectors, place)
    return [
        row
        for kind in _KINDS
        for row in _measure(kind, _queries(kind, vectors), searchers, build_s, len(vectors), rounds)
    ]


@torch.inference_mode()
def _encode_gallery(device: str) -> np.ndarray:
    """(N, D) float16 unit vectors of GeoCLIP's gallery."""
    encoder = LocationEncoder(LocationSpec())
    encoder.load_state_dict(geoclip_package.read_location_encoder())
    encoder.to_half(to_dtype(choose_precision(device))).to(device)
    points = torch.from_numpy(geoclip_package.read_gallery()).to(device)
    parts = [functional.normalize(encoder(part), dim=1).half() for part in points.split(1024)]
    return torch.cat(parts).cpu().numpy()


def _build_searchers(vectors: np.ndarray, device: str) -> tuple[dict[str, Searcher], dict[str, float]]:
    makers: dict[str, Callable[[], Searcher]] = {
        "exact fp32": lambda: _flat_fp32(vectors, device),
        "exact bf16 + fp32 re-rank": lambda: ExactSearch(vectors, device).search,
    }
    if importlib.util.find_spec("faiss"):
        makers["faiss flat"] = lambda: _faiss_flat(vectors)
    searchers, build_s = {}, {}
    for name, make in makers.items():
        start = time.perf_counter()
        searchers[name] = make()
        build_s[name] = time.perf_counter() - start
    return searchers, build_s


def _flat_fp32(vectors: np.ndarray, device: str) -> Searcher:
    gallery = torch.from_numpy(vectors).to(device).float()

    @torch.inference_mode()
    def search(queries: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
        found = (torch.from_numpy(queries).to(device) @ gallery.T).topk(top_k, dim=1)
        return found.indices.cpu().numpy(), found.values.cpu().numpy()

    return search


def _faiss_flat(vectors: np.ndarray) -> Searcher:
    import faiss

    index = faiss.IndexFlatIP(vectors.shape[1])
    index.add(vectors.astype(np.float32))

    def search(queries: np.ndarray, top_k: int) -> tuple[np.ndarray, np.ndarray]:
        cosines, rows = index.search(queries, top_k)
        return rows, cosines

    return search


def _queries(kind: str, vectors: np.ndarray) -> np.ndarray:
    """(Q, D) unit vectors of one kind."""
    rng = np.random.default_rng(SEED)
    centre = vectors[rng.integers(len(vectors), size=QUERIES)].astype(np.float32)  # (Q, D)
    if kind == "mixed":
        others = vectors[rng.integers(len(vectors), size=(QUERIES, 7))].astype(np.float32)  # (Q, 7, D)
        weights = rng.uniform(0.2, 0.8, size=(QUERIES, 7, 1)).astype(np.float32)
        centre = _unit(centre + (others * weights).sum(axis=1))
    noise = _unit(rng.normal(size=centre.shape).astype(np.float32))
    cosine = rng.uniform(*NEAR_COSINE, size=(QUERIES, 1)).astype(np.float32)
    return _unit(cosine * centre + np.sqrt(1 - cosine**2) * noise)


def _unit(rows: np.ndarray) -> np.ndarray:
    return rows / np.linalg.norm(rows, axis=-1, keepdims=True)


def _measure(
    kind: str,
    queries: np.ndarray,
    searchers: dict[str, Searcher],
    build_s: dict[str, float],
    n: int,
    rounds: int,
) -> list[dict[str, Any]]:
    truth, _ = searchers["exact fp32"](queries, 10)
    single = least_seconds({k: partial(f, queries[:1], 10) for k, f in searchers.items()}, rounds)
    batch = least_seconds({k: partial(f, queries[:BATCH], 10) for k, f in searchers.items()}, rounds)
    return [
        {
            "gallery_size": n,
            "method": name,
            "query_kind": kind,
            "comparisons": n,
            **_recall(search(queries, 10)[0], truth),
            "ms_per_query": 1000 * single[name],
            "speedup": single["exact fp32"] / single[name],
            "queries_per_s": BATCH / batch[name],
            "build_s": build_s[name],
            "memory_mb": peak_memory_mb(),
        }
        for name, search in searchers.items()
    ]


def _recall(rows: np.ndarray, truth: np.ndarray) -> dict[str, float]:
    shared = [len(set(a) & set(b)) / len(b) for a, b in zip(rows.tolist(), truth.tolist(), strict=True)]
    return {"recall_at_1": float(np.mean(rows[:, 0] == truth[:, 0])), "recall_at_10": float(np.mean(shared))}
