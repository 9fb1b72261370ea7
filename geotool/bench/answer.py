"""`bench answer`: what it costs to make an answer of a photo's candidates, once they are found.

Photos are queries near the points of each model's own gallery: no image weights are needed.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from geotool.answer.answerer import Answerer
from geotool.answer.bars import find_bars
from geotool.answer.gazetteer import find_names, load_gazetteer
from geotool.answer.path import find_level_names, find_path
from geotool.answer.places import find_places
from geotool.bench import search_gallery
from geotool.bench.search_gallery import PackageEncoder, draw_points
from geotool.core.records import QueryVector
from geotool.core.regions import find_region, load_continents, load_outlines
from geotool.core.report import Report, stop_if_asked
from geotool.engine import Engine, load_calibration_of
from geotool.gallery.explain import CANDIDATES, to_weights
from geotool.gallery.gallery import ready_gallery
from geotool.gallery.search_plan import open_search
from geotool.gallery.tuning import LocationModel, make_queries
from geotool.model import geoclip_package, zoo
from geotool.model.devices import choose_precision, find_device
from geotool.model.geomodel import GeoModel

MODELS = (zoo.PREFERRED, zoo.FALLBACK)
QUERIES, SEED = 100, 40  # another seed than those that beams are chosen and measured with
ALL = "all, as in locate"

Seconds = dict[str, float]  # by part of the answer


def run_answer(device: str, rounds: int, report: Report) -> list[dict[str, Any]]:
    """Rows per model, kind of query and part of the answer, see `measure_answers`."""
    place, rows = find_device(device), []
    for name in MODELS:
        engine, encoder = open_engine(zoo.find_model(name), place, report)
        queries = make_queries(encoder, engine.gallery.latlon_deg, QUERIES, SEED)
        rows += measure_answers(engine, queries, rounds, report)
    return rows


def open_engine(info: zoo.ModelInfo, device: str, report: Report) -> tuple[Engine, LocationModel]:
    """An engine whose image weights are not read, and what encodes places for it.

    GeoCLIP's gallery and location encoder come with its package where the model is not on this machine.
    """
    model = GeoModel(info, device, choose_precision(device))
    encoder: GeoModel | PackageEncoder = model
    if info.is_ready:
        gallery = ready_gallery(model, model.gallery_latlon_deg(), report)
    else:
        encoder, own_deg = PackageEncoder(device), geoclip_package.read_gallery()
        points = draw_points(own_deg, search_gallery.NOMINAL)
        gallery, _ = search_gallery.ready_gallery(encoder, points, report)
    calibration = load_calibration_of(info, report)
    return Engine(model, gallery, open_search(gallery, device), calibration=calibration), encoder


def measure_answers(
    engine: Engine, queries: Mapping[str, np.ndarray], rounds: int, report: Report
) -> list[dict[str, Any]]:
    """One row per kind of query, (Q, D) each, and part, in milliseconds.

    `ms_first` is of a photo before which the base map and the names are read from the disk; `ms_median`
    and `ms_p95` are over all photos with these in memory. Each photo comes once in a round, at whose start
    the countries of all points are forgotten; the least of its times counts. ALL is what `locate` states
    as the time of its answer, with what lies between the parts.
    """
    rows = []
    with tempfile.TemporaryDirectory(prefix="geotool-bench-") as folder:
        photo = _write_photo(Path(folder) / "photo.png")
        for kind, vectors in queries.items():
            report.event("answering", model=engine.info.name, query_kind=kind)
            trial = _Trial(engine, vectors, photo)
            first, least = trial.measure_first(), trial.measure(rounds, report)
            for part, seconds in least.items():
                row = {"model": engine.info.name, "gallery_size": len(engine.gallery), "query_kind": kind}
                rows.append({**row, "part": part, **_to_columns(first[part], seconds)})
    return rows


@dataclass(frozen=True, slots=True)
class _Trial:
    """(Q, D) queries to one engine."""

    engine: Engine
    vectors: np.ndarray
    photo: Path

    def measure_first(self) -> Seconds:
        """The first query, with nothing in memory."""
        seconds: Seconds = {}
        for ask in (_answer, _answer_in_parts):
            for table in (load_outlines, load_continents, load_gazetteer, find_region):
                table.cache_clear()
            seconds |= ask(self.engine, self.vectors[0], self.photo)
        return seconds

    def measure(self, rounds: int, report: Report) -> dict[str, np.ndarray]:
        """(Q,) least seconds of every query, by part."""
        least: dict[str, np.ndarray] = {}
        for _ in range(rounds):
            for ask in (_answer, _answer_in_parts):
                find_region.cache_clear()
                for number, vector in enumerate(self.vectors):
                    stop_if_asked(report)
                    for part, seconds in ask(self.engine, vector, self.photo).items():
                        times = least.setdefault(part, np.full(len(self.vectors), np.inf))
                        times[number] = min(times[number], seconds)
        return least


class _Prepared(GeoModel):
    """A model for which every photo has the same, given vector."""

    def __init__(self, model: GeoModel, vector: np.ndarray) -> None:
        super().__init__(model.info, model.device, model.precision)
        self._query = QueryVector(vector=vector, encoder=self.fingerprint)

    def encode_images(self, images: object) -> list[QueryVector]:
        return [self._query]


def _answer(engine: Engine, vector: np.ndarray, photo: Path) -> Seconds:
    prepared = replace(engine, model=_Prepared(engine.model, vector))
    return {ALL: prepared.locate(photo).timings_s["answer"]}


def _answer_in_parts(engine: Engine, vector: np.ndarray, photo: Path) -> Seconds:
    """The parts of an answer, in the order in which `locate` makes them."""
    found = engine.search.search(vector[None], CANDIDATES)
    latlon_deg = engine.gallery.latlon_deg[found.rows[0]]  # (K, 2)
    weights = to_weights(found.cosines[0], engine.model.logit_scale)  # (K,)
    seconds: Seconds = {}
    with _timed(seconds, "vote and merge"):
        places = find_places(latlon_deg, weights, engine.bandwidth_km)
    with _timed(seconds, "names"):
        find_names(np.stack([place.center_deg for place in places]))
    with _timed(seconds, "confidence"):
        Answerer(calibration=engine.calibration).judge(latlon_deg)
    with _timed(seconds, "path and bars"):
        names = find_level_names(latlon_deg)
        find_path(latlon_deg, weights, names), find_bars(names, weights)
    return seconds


@contextmanager
def _timed(seconds: Seconds, part: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    seconds[part] = time.perf_counter() - start


def _to_columns(first_s: float, seconds: np.ndarray) -> dict[str, float]:
    median, p95 = (1000 * np.quantile(seconds, (0.5, 0.95))).tolist()
    return {"n": len(seconds), "ms_first": 1000 * first_s, "ms_median": median, "ms_p95": p95}


def _write_photo(path: Path) -> Path:
    from PIL import Image

    Image.new("RGB", (64, 48)).save(path)
    return path
