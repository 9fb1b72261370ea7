"""What candidates say about themselves."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from geopy.distance import great_circle

from geotool.answer.features import FEATURE_NAMES, are_scattered, measure_features
from geotool.core.errors import UsageError

STREET = np.array([[43.47, 11.88], [43.471, 11.881], [43.47, 11.882], [43.472, 11.88], [43.471, 11.879]])
WORLD = np.array([[43.5, 11.9], [-33.9, 151.2], [35.7, 139.7], [-22.9, -43.2], [64.1, -21.9]])


def named(latlon_deg: np.ndarray) -> dict[str, float]:
    return dict(zip(FEATURE_NAMES, measure_features(latlon_deg).tolist(), strict=True))


def test_the_spread_is_that_of_great_circles_between_all_pairs() -> None:
    pairs_km = np.array([great_circle(a, b).km for a, b in itertools.combinations(WORLD.tolist(), 2)])
    found = named(WORLD)
    assert found["log_mean_km"] == pytest.approx(np.log10(1 + pairs_km.mean()), rel=1e-8)
    assert found["mean_log_km"] == pytest.approx(np.log10(1 + pairs_km).mean(), rel=1e-8)


def test_agreement_and_its_opposite() -> None:
    street, world = named(STREET), named(WORLD)
    assert street["margin"] == pytest.approx(1, abs=1e-4) and street["entropy"] == pytest.approx(0, abs=1e-4)
    assert world["margin"] == pytest.approx(0, abs=1e-6)
    assert world["entropy"] == pytest.approx(np.log(5), abs=1e-6)  # five places of equal share


def test_scattered_are_those_that_no_continent_holds() -> None:
    pairs_km = [great_circle(a, b).km for a, b in itertools.combinations(WORLD.tolist(), 2)]
    assert np.median(pairs_km) > 2500 and are_scattered(WORLD)
    one_stray = np.concatenate([STREET[:4], WORLD[1:2]])  # four of ten pairs are far apart
    two_strays = np.concatenate([STREET[:3], WORLD[1:3]])  # seven of ten
    assert are_scattered(np.stack([STREET, one_stray, two_strays])).tolist() == [False, False, True]
    assert not are_scattered(WORLD[:1])


def test_two_places_are_told_from_one() -> None:
    split = np.concatenate([STREET[:3], WORLD[1:2], WORLD[1:2] + 0.001])
    assert named(split)["margin"] == pytest.approx(3 / 5 - 2 / 5, abs=1e-3)


def test_the_antimeridian_is_no_border() -> None:
    east = np.array([[-17.0, 179.0 + 0.4 * i] for i in range(5)])
    east[:, 1] = (east[:, 1] + 180) % 360 - 180
    west = east - [0, 40]
    np.testing.assert_allclose(measure_features(east), measure_features(west), atol=1e-9)


def test_many_photos_at_once_and_only_the_first_five() -> None:
    many = np.stack([np.concatenate([STREET, WORLD]), np.concatenate([WORLD, STREET])])
    expected = np.stack([measure_features(STREET), measure_features(WORLD)])
    np.testing.assert_allclose(measure_features(many), expected)


def test_one_candidate_agrees_with_itself_and_none_is_refused() -> None:
    assert named(STREET[:1]) == pytest.approx({"log_mean_km": 0, "mean_log_km": 0, "margin": 1, "entropy": 0})
    with pytest.raises(UsageError):
        measure_features(np.empty((0, 2)))
