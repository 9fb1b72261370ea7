"""`bench zoom`: what refining the best places between the gallery's points gains and costs.

On unseen Blue Marble tiles, against the plain first candidate and against something cheaper: the mean
of the candidates around the first, weighted by how well they match.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from geotool.commands.demo_data import SIZE_PX
from geotool.core.report import Report, SilentReport, stop_if_asked
from geotool.core.sphere import from_xyz, haversine_km, to_xyz
from geotool.demo.dataset import recipe_for, write_tiles
from geotool.demo.raster import default_raster_path
from geotool.engine import Engine
from geotool.evaluation import metrics
from geotool.gallery.explain import to_weights
from geotool.gallery.zoom import find_spacing_km, zoom
from geotool.photos import read_photo
from geotool.photos.manifest import Row, read_dataset

MODEL = "bluemarble"
SEED, TILES = 6, 500  # a seed that neither training nor the accuracy card uses
STARTS, FINEST_KM, CANDIDATES, NEAR_KM = (1, 5), (1.0, 5.0), 100, 200.0

Answer = tuple[np.ndarray, int]  # (2,) degrees; points encoded for it
Method = Callable[["Query"], Answer]


class Query:
    """One unseen tile: its vector and its candidates, found before anything is timed."""

    def __init__(self, engine: Engine, row: Row) -> None:
        _, image = read_photo(row.path)
        [encoded] = engine.model.encode_images([image])
        self.vector = encoded.vector  # (D,)
        self.truth_deg = np.array([row.location.lat, row.location.lon])
        found = engine.search.search(encoded.vector[None], CANDIDATES)
        self.latlon_deg = engine.gallery.latlon_deg[found.rows[0]]  # (K, 2)
        self.cosines = found.cosines[0]  # (K,)
        self.is_known = engine.model.is_familiar(encoded, float(self.cosines[0]))


def run_zoom(device: str, rounds: int, report: Report) -> list[dict[str, Any]]:
    """Rows of accuracy and of the least milliseconds per query over all rounds, one per method.

    Accuracy counts tiles that the model refuses as wrong, as `evaluate` does.
    """
    engine = Engine.load(MODEL, device, report)
    queries = _read_queries(engine, report)
    methods = _methods(engine)
    for method in methods.values():
        method(queries[0])  # what is read on first use is no part of a query
    answers: dict[str, list[Answer]] = {}
    least_s = dict.fromkeys(methods, float("inf"))
    for _ in range(rounds):  # in turns, so that a disturbance hits every method alike
        for name, method in methods.items():
            stop_if_asked(report)
            start = time.perf_counter()
            answers[name] = [method(query) for query in queries]
            least_s[name] = min(least_s[name], time.perf_counter() - start)
            report.event("measured", method=name)
    return [_to_row(name, queries, answers[name], least_s[name]) for name in methods]


def _methods(engine: Engine) -> dict[str, Method]:
    methods: dict[str, Method] = {
        "first candidate": lambda query: (query.latlon_deg[0], 0),
        "mean of the candidates near": partial(_mean_near, engine),
    }
    for starts in STARTS:
        for finest_km in FINEST_KM:
            name = f"zoom from {starts}, to {finest_km:g} km"
            methods[name] = partial(_zoom, engine, starts, finest_km)
    return methods


def _zoom(engine: Engine, starts: int, finest_km: float, query: Query) -> Answer:
    start_deg = query.latlon_deg[:starts]
    spacing_km = find_spacing_km(engine.gallery.latlon_deg, start_deg)
    found = zoom(engine.model, query.vector, start_deg, spacing_km, finest_km)
    return found.latlon_deg[found.cosines.argmax()], found.encoded


def _mean_near(engine: Engine, query: Query) -> Answer:
    near = haversine_km(query.latlon_deg, query.latlon_deg[0]) <= NEAR_KM  # (K,)
    weights = to_weights(query.cosines[near], engine.model.logit_scale)
    return from_xyz(weights @ to_xyz(query.latlon_deg[near])), 0


def _to_row(name: str, queries: list[Query], answers: list[Answer], seconds: float) -> dict[str, Any]:
    truth_deg = np.array([query.truth_deg for query in queries])  # (Q, 2)
    errors_km = haversine_km(np.array([latlon_deg for latlon_deg, _ in answers]), truth_deg)
    errors_km[[not query.is_known for query in queries]] = np.inf
    within_km = metrics.within_km(errors_km)
    return {
        "method": name,
        "n": len(queries),
        **{f"within_{km}_km": within_km[km] for km in ("1", "25", "100", "200")},
        "median_km": metrics.median_km(errors_km),
        "encoded": round(float(np.mean([encoded for _, encoded in answers])), 1),
        "ms_per_query": 1000 * seconds / len(queries),
    }


def _read_queries(engine: Engine, report: Report) -> list[Query]:
    path = default_raster_path()
    with tempfile.TemporaryDirectory(prefix="geotool-bench-") as name:
        write_tiles(Path(name), path, recipe_for(path, SEED, TILES, SIZE_PX, None), SilentReport())
        report.event("encoding tiles", count=TILES)
        return [Query(engine, row) for row in read_dataset(Path(name)) if isinstance(row, Row)]
