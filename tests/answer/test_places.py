"""find_places against geopy, and under every rotation of the Earth: the seam and the poles are nowhere."""

from __future__ import annotations

import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given, settings
from hypothesis import strategies as st

from geotool.answer.places import MAX_PLACES, FoundPlace, find_places, move_first, to_place
from geotool.core.geo import LatLon
from geotool.core.records import Candidate
from geotool.core.sphere import from_xyz, haversine_km, to_xyz

SEEDS = st.integers(0, 10_000)


def clusters(seed: int, count: int = 40) -> tuple[np.ndarray, np.ndarray]:
    """Some dense and some loose groups of candidates anywhere on Earth, and their weights."""
    rng = np.random.default_rng(seed)
    middles = rng.normal(size=(6, 3))
    middles /= np.linalg.norm(middles, axis=1, keepdims=True)
    spread = rng.choice([1e-4, 3e-3, 2e-2], size=6)  # about 0.6, 20 and 130 km
    group = rng.integers(0, 6, count)
    xyz = middles[group] + spread[group, None] * rng.normal(size=(count, 3))
    return from_xyz(xyz), rng.random(count) + 0.01


def geopy_km(place: FoundPlace, points: np.ndarray) -> np.ndarray:
    center = tuple(place.center_deg)
    return np.array([great_circle(center, tuple(point)).km for point in points])


@settings(max_examples=60, deadline=None)
@given(seed=SEEDS, bandwidth_km=st.sampled_from([5.0, 50.0, 150.0, 900.0]))
def test_places_share_the_candidates_and_keep_apart(seed: int, bandwidth_km: float) -> None:
    points, weights = clusters(seed)
    places = find_places(points, weights, bandwidth_km)
    members = np.concatenate([place.members for place in places])
    assert len(set(members)) == len(members)
    for place in places:
        assert place.mass == pytest.approx(weights[place.members].sum() / weights.sum())
    total = sum(place.mass for place in places)
    assert total == pytest.approx(1) if len(places) < MAX_PLACES else total <= 1 + 1e-9
    for i, place in enumerate(places):
        others = np.array([other.center_deg for other in places[i + 1 :]]).reshape(-1, 2)
        assert (geopy_km(place, others) >= bandwidth_km * (1 - 1e-6)).all()


@settings(max_examples=40, deadline=None)
@given(seed=SEEDS, turn=SEEDS)
def test_nothing_depends_on_where_the_seam_and_the_poles_are(seed: int, turn: int) -> None:
    points, weights = clusters(seed)
    rotation, _ = np.linalg.qr(np.random.default_rng(turn).normal(size=(3, 3)))  # or a mirror image
    turned = from_xyz(to_xyz(points) @ rotation)
    for here, there in zip(find_places(points, weights), find_places(turned, weights), strict=True):
        assert here.members.tolist() == there.members.tolist()
        assert here.mass == pytest.approx(there.mass)
        assert here.radius_km == pytest.approx(there.radius_km, abs=1e-4)
        expected = from_xyz(to_xyz(here.center_deg[None]) @ rotation)[0]
        assert haversine_km(expected, there.center_deg) < 1e-4


@pytest.mark.parametrize("seed", range(8))
def test_the_radius_is_the_smallest_that_holds_four_fifths_of_the_weight(seed: int) -> None:
    points, weights = clusters(seed)
    for place in find_places(points, weights, 150):
        away_km, shares = geopy_km(place, points[place.members]), weights[place.members]
        needed = 0.8 * shares.sum()
        assert shares[away_km <= place.radius_km + 1e-4].sum() >= needed * (1 - 1e-9)
        assert shares[away_km < place.radius_km - 1e-4].sum() < needed


@pytest.mark.parametrize("middle", [(60.0, 179.95), (-0.02, 0.0), (89.98, 12.0), (-89.999, 0.0)])
def test_the_centre_of_a_ring_is_its_middle(middle: tuple[float, float]) -> None:
    ring = [great_circle(kilometers=10).destination(middle, bearing) for bearing in range(0, 360, 60)]
    points = np.array([middle, *[(point.latitude, point.longitude) for point in ring]])
    [place] = find_places(points, np.ones(7))
    assert place.mass == pytest.approx(1) and place.members[0] == 0
    assert great_circle(tuple(place.center_deg), middle).km < 0.001
    assert place.radius_km == pytest.approx(10, abs=0.001)


def test_one_street_fills_one_row() -> None:
    rng = np.random.default_rng(1)
    street = np.array([[1.4047, 103.79]]) + rng.normal(scale=0.002, size=(5, 2))
    elsewhere = np.array([[48.0, 106.9], [1.9, 103.3]])  # the second lies 75 km away
    places = find_places(np.concatenate([street, elsewhere]), np.ones(7))
    assert sorted(places[0].members.tolist())[:5] == [0, 1, 2, 3, 4]
    assert len(places) == 2


def test_a_candidate_alone_is_its_own_place() -> None:
    [place] = find_places(np.array([[12.345678, -179.999]]), np.array([3.0]))
    assert place.center_deg.tolist() == [12.345678, -179.999]
    assert (place.radius_km, place.mass) == (0, 1)


def test_of_many_scattered_candidates_the_first_places_are_kept() -> None:
    rng = np.random.default_rng(2)
    points = np.stack([rng.uniform(-80, 80, 100), rng.uniform(-180, 180, 100)], axis=1)
    places = find_places(points, np.ones(100), 10)
    assert len(places) == MAX_PLACES and sum(place.mass for place in places) < 0.5


def test_candidates_without_weight_vote_for_nothing() -> None:
    points = np.array([[0.0, 0.0], [50.0, 50.0], [0.1, 0.1]])
    [place] = find_places(points, np.array([1.0, 0.0, 0.0]))
    assert sorted(place.members.tolist()) == [0, 2]
    assert place.center_deg.tolist() == pytest.approx([0, 0], abs=1e-9)


@pytest.mark.parametrize("weights", [[0.0, 0.0], [1.0, -0.1], [1.0, np.nan]])
def test_weights_that_mean_nothing_are_refused(weights: list[float]) -> None:
    with pytest.raises(ValueError, match="weights"):
        find_places(np.array([[0.0, 0.0], [1.0, 1.0]]), np.array(weights))


def test_a_moved_centre_takes_in_the_place_it_comes_to() -> None:
    points, weights = np.array([[10.0, 10.0], [12.0, 10.0], [-40.0, 0.0]]), np.array([3.0, 2.0, 1.0])
    places = find_places(points, weights)
    assert len(places) == 3
    first, other = move_first(places, np.array([11.9, 10.0]), points, weights)
    assert first.members.tolist() == [0, 1] and first.mass == pytest.approx(5 / 6)
    assert first.radius_km == pytest.approx(great_circle((11.9, 10), (10, 10)).km)
    assert other.members.tolist() == [2]


def test_a_record_keeps_the_candidates_that_are_shown() -> None:
    points = np.array([[5.0, 5.0], [60.0, 60.0], [5.01, 5.0], [5.0, 5.01]])
    shown = [
        Candidate(rank=i + 1, location=LatLon(lat=lat, lon=lon), cosine=0.2, gallery_row=i)
        for i, (lat, lon) in enumerate(points[:3].tolist())
    ]
    first, second = (to_place(place, shown) for place in find_places(points, np.ones(4)))
    assert [candidate.rank for candidate in first.candidates] == [1, 3]
    assert [candidate.rank for candidate in second.candidates] == [2]
    assert second.center == LatLon(lat=60, lon=60)
