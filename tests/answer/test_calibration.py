"""Radii and levels: fitted on answers with known errors, they hold on others; a damaged file is refused."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score
from worlds_of_answers import make_answers

from geotool.answer.calibration import Calibration, load_calibration
from geotool.answer.features import are_scattered
from geotool.answer.fit_calibration import (
    Scored,
    conformal_radius_km,
    find_level,
    fit_calibration,
    score_fixed_guess,
)
from geotool.core.errors import EmptyResultError, MismatchError, NotFoundError
from geotool.model.zoo import calibration_file, find_model


@pytest.fixture(scope="module")
def calibration() -> Calibration:
    return fit_calibration(
        make_answers(1500, seed=1), model="tiny", model_fingerprint="abc", source={"run": "1"}, seed=0
    )


def test_the_radii_hold_what_they_promise_on_other_answers(calibration: Calibration) -> None:
    fresh = make_answers(6000, seed=2)
    found = [calibration.apply(first_deg) for first_deg in fresh.first_deg]
    radius50_km = np.array([each.radius50_km for each in found])
    radius80_km = np.array([each.radius80_km for each in found])
    assert np.mean(fresh.error_km <= radius50_km) == pytest.approx(0.5, abs=0.04)
    assert np.mean(fresh.error_km <= radius80_km) == pytest.approx(0.8, abs=0.04)
    for easy in (True, False):  # not only on average
        half = (radius50_km <= np.median(radius50_km)) == easy
        assert np.mean(fresh.error_km[half] <= radius50_km[half]) == pytest.approx(0.5, abs=0.07)
        assert np.mean(fresh.error_km[half] <= radius80_km[half]) == pytest.approx(0.8, abs=0.06)


def test_the_smaller_radius_is_never_the_larger_one(calibration: Calibration) -> None:
    assert all(0 < each.radius50_km <= each.radius80_km < np.inf for each in calibration.bins)


def test_harder_photos_get_larger_radii(calibration: Calibration) -> None:
    radii_km = [each.radius50_km for each in calibration.bins]
    assert len(radii_km) > 3 and radii_km[-1] > 10 * radii_km[0]


def test_the_difficulty_tells_near_from_far(calibration: Calibration) -> None:
    fresh = make_answers(2000, seed=3)
    found = [calibration.apply(first_deg).difficulty for first_deg in fresh.first_deg]
    assert roc_auc_score(fresh.error_km > 200, found) > 0.8


def test_the_held_out_figures_are_near_what_is_promised(calibration: Calibration) -> None:
    held = calibration.facts["held_out"]
    assert held["coverage50"]["mean"] == pytest.approx(50, abs=3)
    assert held["coverage80"]["mean"] == pytest.approx(80, abs=3)
    assert 0.7 < held["auroc_25km"]["mean"] < 1


def test_the_same_seed_gives_the_same_calibration() -> None:
    answers = make_answers(400, seed=5, groups=40)
    first, again, other = (
        fit_calibration(answers, model="m", model_fingerprint=None, source={}, seed=seed)
        for seed in (1, 1, 2)
    )
    assert first == again and first.fingerprint == again.fingerprint != other.fingerprint


def test_groups_are_not_split() -> None:
    """Each group has one error for all its photos: split groups would look better than new ones are."""
    answers = make_answers(1200, seed=4, groups=60)
    errors_km = dict(zip(np.unique(answers.groups), 10 ** np.linspace(0, 4, 60), strict=True))
    answers = replace(answers, error_km=np.array([errors_km[name] for name in answers.groups]))
    fitted = fit_calibration(answers, model="m", model_fingerprint=None, source={}, seed=0)
    # Within split groups the coverage would hardly vary (1.4 %); whole groups vary as 30 of them do.
    assert fitted.facts["held_out"]["coverage50"]["sd"] > 3


def test_the_conformal_radius_holds_one_more_error() -> None:
    """Of N + 1 exchangeable errors the last is within the radius of the others at least that often."""
    rng = np.random.default_rng(0)
    for share in (0.5, 0.8):
        held = []
        for _ in range(4000):
            errors_km = rng.lognormal(3, 2, 25)
            held.append(errors_km[0] <= conformal_radius_km(errors_km[1:], share) + 1e-3)
        assert share - 0.02 < np.mean(held) < share + 1 / 25 + 0.02
    assert conformal_radius_km(np.ones(3), 0.8) == np.inf


@pytest.mark.parametrize(
    ("radius50_km", "within_2500_km", "level"),
    [
        (0.9, 1.0, "street"),
        (25.0, 1.0, "city"),
        (25.1, 1.0, "region"),
        (700.0, 0.9, "country"),
        (1200.0, 0.7, "continent"),
        (3000.0, 0.45, "unknown"),  # above the guess of 0.4, but not clearly
        (6000.0, 0.2, "unknown"),
    ],
)
def test_the_level_follows_its_rule(radius50_km: float, within_2500_km: float, level: str) -> None:
    assert find_level(radius50_km, within_2500_km, n=100, guess=0.4) == level


def test_candidates_that_say_nothing_are_unknown() -> None:
    """Errors of answers that have nothing to do with the photos: no better than a fixed guess."""
    answers = make_answers(600, seed=6)
    random_km = 6371 * np.arccos(np.random.default_rng(0).uniform(-1, 1, 600))
    fitted = fit_calibration(
        replace(answers, error_km=random_km), model="m", model_fingerprint=None, source={}, seed=0
    )
    assert [each.level for each in fitted.bins].count("unknown") >= len(fitted.bins) - 1


def scatter(answers: Scored, share: float, error_km: float) -> Scored:
    """The first answers' candidates spread over all continents, and wrong by that much."""
    first_deg, errors_km, n = answers.first_deg.copy(), answers.error_km.copy(), int(share * len(answers))
    first_deg[:n] = [[0, 0], [0, 90], [0, 180], [0, -90], [90, 0]]
    errors_km[:n] = error_km
    return replace(answers, first_deg=first_deg, error_km=errors_km)


def calm_answers(n: int, seed: int) -> Scored:
    """Answers none of which is scattered."""
    answers = make_answers(2 * n, seed)
    return answers.pick(np.flatnonzero(~are_scattered(answers.first_deg))[:n])


def test_scattered_candidates_have_a_bin_and_radii_of_their_own() -> None:
    answers = scatter(calm_answers(1000, seed=7), 0.1, 9000.0)
    fitted = fit_calibration(answers, model="m", model_fingerprint=None, source={}, seed=0)
    lost, known = (fitted.apply(answers.first_deg[row]) for row in (0, -1))
    assert (lost.level, lost.radius50_km, lost.radius80_km) == ("unknown", 9000, 9000)
    assert known.level != "unknown" and fitted.every_bin[-1] is fitted.scattered
    assert max(each.radius80_km for each in fitted.bins) < 9000


def test_scattered_candidates_that_are_right_are_no_unknowns() -> None:
    answers = scatter(calm_answers(1000, seed=7), 0.1, 10.0)
    fitted = fit_calibration(answers, model="m", model_fingerprint=None, source={}, seed=0)
    assert fitted.apply(answers.first_deg[0]).level == "city"


@pytest.mark.parametrize("share", [0.0, 0.01, 1.0])
def test_a_bin_of_their_own_needs_enough_of_both(share: float, tmp_path: Path) -> None:
    answers = scatter(calm_answers(600, seed=8), share, 9000.0)
    fitted = fit_calibration(answers, model="m", model_fingerprint=None, source={}, seed=0)
    assert fitted.scattered is None and fitted.every_bin == fitted.bins
    fitted.write(tmp_path / "calibration.json")
    assert "scattered" not in json.loads((tmp_path / "calibration.json").read_text())
    assert load_calibration(tmp_path / "calibration.json") == fitted


@pytest.mark.parametrize("name", ["geoclip", "bluemarble"])
def test_what_ships_can_be_read(name: str) -> None:
    file = calibration_file(find_model(name))
    assert file is not None and load_calibration(file).model == name


def test_the_shipped_unknown_is_mostly_wrong_by_a_continent() -> None:
    file = calibration_file(find_model("geoclip"))
    assert file is not None
    scattered = load_calibration(file).scattered
    assert scattered is not None and scattered.level == "unknown" and scattered.radius50_km > 2500


def test_the_fixed_guess_is_the_best_single_point() -> None:
    europe, sydney = np.full((60, 2), [48.0, 9.0]), np.full((40, 2), [-33.9, 151.2])
    assert score_fixed_guess(np.concatenate([europe, sydney])) == pytest.approx(0.6)


def test_too_few_answers_are_refused() -> None:
    with pytest.raises(EmptyResultError, match="150 answers"):
        fit_calibration(make_answers(150, seed=0), model="m", model_fingerprint=None, source={}, seed=0)
    with pytest.raises(EmptyResultError, match="2 groups"):
        fit_calibration(
            make_answers(500, seed=0, groups=2), model="m", model_fingerprint=None, source={}, seed=0
        )


def test_a_written_calibration_reads_back_equal(calibration: Calibration, tmp_path: Path) -> None:
    file = tmp_path / "new" / "calibration.json"
    calibration.write(file)
    assert load_calibration(file) == calibration
    first_deg = make_answers(1, seed=9).first_deg[0]
    assert load_calibration(file).apply(first_deg) == calibration.apply(first_deg)
    assert calibration.apply(first_deg).calibration == json.loads(file.read_text())["fingerprint"]


def change(document: dict, path: str, value: object) -> str:
    *way, last = path.split("/")
    part = document
    for key in way:
        part = part[int(key) if isinstance(part, list) else key]
    part[last] = value
    return json.dumps(document)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("schema", 99),
        ("kind", "evaluation run"),
        ("bins", []),
        ("bins/0/radius50_km", 1e9),  # above the 80 % radius
        ("bins/0/radius50_km", 0.5),  # possible, but not what was fitted
        ("bins/0/radius80_km", "wide"),
        ("bins/0/level", "galaxy"),
        ("bins/0/up_to", 99.0),
        ("bins/0/up_to", None),
        ("scattered/level", "galaxy"),
        ("scattered/radius80_km", 20_000.0),
        ("scattered", None),
        ("difficulty/weights", [1.0]),
        ("difficulty/weights", ["a", 1, 1, 1]),
        ("difficulty/features", ["softmax"]),
        ("model", None),
        ("n", 5),
    ],
)
def test_a_changed_file_is_refused(
    calibration: Calibration, tmp_path: Path, path: str, value: object
) -> None:
    file = tmp_path / "calibration.json"
    calibration.write(file)
    file.write_text(change(json.loads(file.read_text()), path, value))
    with pytest.raises(MismatchError, match=r"calibration\.json"):
        load_calibration(file)


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", '{"kind": "calibration"', "\u0000"])
def test_a_damaged_file_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "calibration.json"
    file.write_text(text)
    with pytest.raises(MismatchError, match=r"calibration\.json"):
        load_calibration(file)


def test_bytes_that_are_no_text_are_refused(tmp_path: Path) -> None:
    (tmp_path / "calibration.json").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(MismatchError):
        load_calibration(tmp_path / "calibration.json")


def test_a_missing_file_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="calibrate"):
        load_calibration(tmp_path / "none.json")


def test_a_calibration_of_another_model_is_refused(calibration: Calibration) -> None:
    calibration.check_model("tiny", "abc")
    with pytest.raises(MismatchError, match="tiny abc"):
        calibration.check_model("tiny", "retrained")
    with pytest.raises(MismatchError):
        calibration.check_model("other", "abc")
    replace(calibration, model_fingerprint=None).check_model("tiny", "anything")
