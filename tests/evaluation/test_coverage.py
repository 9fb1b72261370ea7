"""What a run says about the confidence: coverage, order, pictures."""

from __future__ import annotations

import math
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from geotool.answer.auroc import measure_auroc
from geotool.core.records import Confidence
from geotool.evaluation.coverage import cap_area_km2, measure_coverage, recall_by_area, wilson
from geotool.evaluation.plots import write_plots

PROJECT_DIR = Path(__file__).resolve().parents[2]


def confidence(radius50_km: float, level: str = "region") -> Confidence:
    return Confidence(
        level=level, radius50_km=radius50_km, radius80_km=4 * radius50_km, difficulty=math.log10(radius50_km)
    )


def make_run(n: int = 800) -> tuple[list[Confidence], np.ndarray]:
    rng = np.random.default_rng(0)
    radius_km = 10 ** rng.uniform(0, 3, n)
    return [confidence(float(each)) for each in radius_km], np.minimum(
        radius_km * rng.lognormal(0, 1.65, n), 20_000
    )


def test_coverage_counts_the_errors_within_the_radii() -> None:
    found = measure_coverage([confidence(r) for r in (10, 20, 30, 40)], np.array([5.0, 20.0, 100.0, 500.0]))
    assert found is not None
    assert (found["50"], found["80"], found["n"]) == (50, 75, 4)
    assert (found["median_radius50_km"], found["median_radius80_km"]) == (25, 100)
    assert found["auroc_25km"] == 1


def test_a_run_without_radii_has_no_coverage() -> None:
    assert measure_coverage([None, Confidence(level="unknown")], np.array([1.0, math.inf])) is None
    assert measure_coverage([], np.array([])) is None


def test_answers_without_radii_or_error_are_left_out() -> None:
    confidences = [confidence(10), None, Confidence(level="unknown"), confidence(10)]
    found = measure_coverage(confidences, np.array([5.0, 1.0, math.inf, math.inf]))
    assert found is not None and (found["n"], found["50"], found["auroc_25km"]) == (1, 100, None)
    assert found["levels"] == {"region": 2, "unknown": 1}


def test_the_order_is_scored_as_scikit_learn_does() -> None:
    confidences, error_km = make_run()
    found = measure_coverage(confidences, error_km)
    radii = [each.radius50_km for each in confidences]
    expected = roc_auc_score(error_km > 25, radii)
    assert found is not None and found["auroc_25km"] == pytest.approx(expected, abs=1e-4)


def test_ties_count_half_as_in_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    scores, is_hit = rng.integers(0, 6, 500).astype(float), rng.random(500) < 0.3
    assert measure_auroc(scores, is_hit) == pytest.approx(roc_auc_score(is_hit, scores), abs=1e-12)
    assert measure_auroc(scores, np.zeros(500, dtype=bool)) is None
    assert measure_auroc(scores, np.ones(500, dtype=bool)) is None


def test_the_figures_of_a_run_load_nothing_that_takes_seconds() -> None:
    code = (
        "import sys, numpy\n"
        "from geotool.core.records import Confidence\n"
        "import geotool.evaluation.run\n"
        "from geotool.evaluation.coverage import measure_coverage\n"
        "ask = lambda r: Confidence(level='city', radius50_km=r, radius80_km=r, difficulty=r)\n"
        "easy, hard = ask(1.0), ask(9.0)\n"
        "assert measure_coverage([easy, hard], numpy.array([1.0, 99.0]))['auroc_25km'] == 1\n"
        "heavy = {'sklearn', 'scipy', 'pandas', 'torch'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=PROJECT_DIR, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()


def test_wilson_by_its_published_form() -> None:
    assert wilson(8, 10) == pytest.approx((0.4902, 0.9433), abs=1e-4)
    low, high = wilson(0, 10)
    assert low == pytest.approx(0, abs=1e-12) and 0.2 < high < 0.4


def test_the_area_of_a_circle_on_the_sphere() -> None:
    earth_km2 = 510_065_622  # of the mean sphere
    areas = cap_area_km2(np.array([1e-3, math.pi * 6371.0088 / 2, 30_000.0]))
    assert areas[0] == pytest.approx(math.pi * 1e-6, rel=1e-9)
    assert areas[1:] == pytest.approx([earth_km2 / 2, earth_km2], rel=1e-6)


def test_searching_where_the_radius_says_finds_more_in_less_area() -> None:
    confidences, error_km = make_run()
    radii_km = np.array([[each.radius50_km, each.radius80_km] for each in confidences])
    areas, found = recall_by_area(radii_km, error_km)
    assert (np.diff(areas, axis=0) >= 0).all() and (np.diff(found, axis=0) >= 0).all()
    assert found[-1] == pytest.approx([100, 100])
    needed = [areas[np.argmax(found[:, column] >= 50), column] for column in (0, 1)]
    assert needed[1] < needed[0]


def test_both_pictures_are_written_and_can_be_read(tmp_path: Path) -> None:
    files = write_plots(tmp_path, *make_run())
    assert [file.name for file in files] == ["reliability.svg", "recall_area.svg"]
    for file in files:
        picture = ElementTree.parse(file).getroot()
        assert picture.tag.endswith("svg") and len(picture) > 20
        assert "nan" not in file.read_text() and "inf" not in file.read_text()


def test_no_pictures_without_radii(tmp_path: Path) -> None:
    assert write_plots(tmp_path, [None], np.array([1.0])) == []
    assert list(tmp_path.iterdir()) == []


def test_one_answer_and_equal_radii_can_be_drawn(tmp_path: Path) -> None:
    assert len(write_plots(tmp_path, [confidence(10)], np.array([3.0]))) == 2
    assert len(write_plots(tmp_path, [confidence(10)] * 9, np.full(9, 30.0))) == 2
