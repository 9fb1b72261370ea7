"""The numbers of the tables against scipy, and the tables themselves, from made-up results."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

from geotool.core.errors import NotFoundError, UsageError
from geotool.study.page import BEGIN, END, to_document, to_page, to_plain, write_into
from geotool.study.speed import Speed
from geotool.study.summary import estimate, summarise_test
from tests.study.study_results import result, tiny_study

SIDES = {"end-to-end": 40.0, "augmented": 20.0, "features": 0.2, "constraint": 0.4, "gate": 0.5}
SPEED = Speed(SIDES, SIDES, 12.0)
RESULTS = {
    "features": {0: result(40.0), 1: result(44.0), 2: result(42.0)},
    "both": {0: result(45.0), 1: result(46.0), 2: result(47.5)},
}


@pytest.mark.parametrize("values", [[41.0, 44.5], [40.0, 44.0, 42.0], list(range(1, 11))])
def test_intervals_are_those_of_scipy(values: list[float]) -> None:
    found = estimate(values)
    wanted = scipy.stats.t.interval(0.95, len(values) - 1, np.mean(values), scipy.stats.sem(values))
    assert found.half is not None
    assert (found.mean - found.half, found.mean + found.half) == pytest.approx(wanted)


def test_one_seed_has_no_interval() -> None:
    assert (estimate([3.0]).mean, estimate([3.0]).half) == (3.0, None)


def test_a_gain_is_paired_by_seed() -> None:
    gain = summarise_test(RESULTS, "both", "unseen")["gain"]
    paired = scipy.stats.ttest_rel([45.0, 46.0, 47.5], [40.0, 44.0, 42.0]).confidence_interval(0.95)
    assert (gain.mean - gain.half, gain.mean + gain.half) == pytest.approx((paired.low, paired.high))
    assert summarise_test(RESULTS, "features", "unseen")["gain"] is None
    assert summarise_test({"both": RESULTS["both"]}, "both", "unseen")["gain"] is None


def test_the_page_shows_means_intervals_and_what_was_skipped(tmp_path: Path) -> None:
    config = tiny_study(tmp_path / "study", tmp_path / "folder" / "world.png", variants=("features", "both"))
    document = to_document(config, RESULTS, SPEED)
    page = to_page(document)
    half = scipy.stats.sem([40.0, 44.0, 42.0]) * scipy.stats.t.ppf(0.975, 2)
    assert f"| features, no augmentation | 3 | 42.0 ± {half:.2g} |" in page
    assert "No image of another season was given" in page
    assert "--world world.png" in page and str(tmp_path) not in page
    assert "| features + gate + constraint | 0.4 | 0.5 | 100 | 5.0 ± 0 |" in page
    assert json.loads(json.dumps(to_plain(document)))["variants"][0]["tests"]["unseen"]["score"]["mean"] == 42


def test_the_image_side_counts_against_that_of_end_to_end(tmp_path: Path) -> None:
    results = {"end-to-end": {0: result(30.0)}, "features": {0: result(40.0)}}
    config = tiny_study(tmp_path, tmp_path / "world.png")
    assert "| features, no augmentation | 0.2 | 0.2 | 200 | 5.0 |" in to_page(
        to_document(config, results, SPEED)
    )


def test_tables_take_the_place_of_the_old_ones(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")
    write_into(page, "new")
    write_into(page, "newer")
    assert page.read_text() == f"before\n{BEGIN}\nnewer\n{END}\nafter\n"


def test_a_page_without_marks_or_none_at_all_is_refused(tmp_path: Path) -> None:
    (tmp_path / "page.md").write_text("mine")
    with pytest.raises(UsageError, match="no place"):
        write_into(tmp_path / "page.md", "new")
    with pytest.raises(NotFoundError):
        write_into(tmp_path / "none.md", "new")
