import numpy as np
import pytest

from geotool.answer.places import find_places
from geotool.answer.vote import to_rank_weights
from geotool.core.geo import LatLon, geodesic_km


def best_of(points: list[list[float]], weights: list[float], bandwidth_km: float) -> tuple[LatLon, int]:
    best = find_places(np.array(points), np.array(weights), bandwidth_km)[0]
    return LatLon(lat=best.center_deg[0], lon=best.center_deg[1]), int(best.members[0])


def test_neighbours_outvote_a_single_stronger_candidate() -> None:
    points = [[60.0, 10.0], [-10.0, 179.9], [-10.0, -179.9], [-9.9, 180.0]]
    place, peak = best_of(points, [0.4, 0.2, 0.2, 0.2], 100)
    assert peak == 3  # the one in the middle
    assert geodesic_km(place, LatLon(lat=-9.96, lon=180)) < 5


def test_far_candidates_do_not_move_the_place() -> None:
    place, peak = best_of([[48.0, 2.0], [-30.0, 140.0], [89.0, -70.0]], [0.6, 0.3, 0.1], 100)
    assert peak == 0 and place == LatLon(lat=48, lon=2)


def test_a_street_is_not_pulled_off_by_its_town() -> None:
    street = [[43.4631, 11.8800], [43.4635, 11.8803], [43.4633, 11.8797]]
    place, _ = best_of([*street, [43.55, 11.8], [43.4, 11.95]], [0.2] * 5, 50)
    assert geodesic_km(place, LatLon(lat=43.4633, lon=11.88)) < 0.1


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_the_pole_is_a_place(pole: float) -> None:
    place, _ = best_of([[pole * 0.999, lon] for lon in (0.0, 120.0, -120.0)], [1 / 3] * 3, 500)
    assert abs(place.lat - pole) < 0.05


def test_the_first_rank_weighs_most_but_not_as_much_as_the_next_three() -> None:
    first, *others = to_rank_weights(np.array([1, 2, 3, 4]))
    assert first > max(others) and first < sum(others)
