"""`bench answer` over a small gallery: a row per part of the answer, whatever the machine's speed."""

from __future__ import annotations

import numpy as np
import pytest

from geotool.answer.calibration import Calibration, load_calibration
from geotool.bench.answer import ALL, measure_answers
from geotool.core.errors import StoppedError
from geotool.core.report import SilentReport
from geotool.engine import Engine
from geotool.gallery.search_plan import open_search
from geotool.model.geomodel import GeoModel
from geotool.model.zoo import calibration_file, find_model
from tests.fakes import StopAt
from tests.gallery.test_gallery import unit_vectors
from tests.gallery.test_restricted_search import to_gallery

N, DIM, PHOTOS = 600, 16, 4
KEYS = {"model", "gallery_size", "query_kind", "part", "n", "ms_first", "ms_median", "ms_p95"}
QUERIES = {"near": unit_vectors(PHOTOS, DIM, 1), "mixed": unit_vectors(PHOTOS, DIM, 2)}


@pytest.fixture
def engine() -> Engine:
    info = find_model("bluemarble")
    gallery = to_gallery(unit_vectors(N, DIM), (8,))
    file = calibration_file(info)
    assert file is not None
    calibration: Calibration = load_calibration(file)
    return Engine(
        GeoModel(info, "cpu", "fp32"), gallery, open_search(gallery, "cpu"), calibration=calibration
    )


def test_every_part_of_every_kind_has_a_row(engine: Engine) -> None:
    rows = measure_answers(engine, QUERIES, 2, SilentReport())
    parts = [ALL, "vote and merge", "names", "confidence", "path and bars"]
    assert [(row["query_kind"], row["part"]) for row in rows] == [(k, p) for k in QUERIES for p in parts]
    for row in rows:
        assert set(row) == KEYS and (row["model"], row["gallery_size"], row["n"]) == ("bluemarble", N, PHOTOS)
        times = np.array([row["ms_first"], row["ms_median"], row["ms_p95"]])
        assert np.isfinite(times).all() and (times > 0).all() and row["ms_median"] <= row["ms_p95"]


def test_it_can_be_stopped(engine: Engine) -> None:
    with pytest.raises(StoppedError):
        measure_answers(engine, QUERIES, 2, StopAt(1))
