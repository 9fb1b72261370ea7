import numpy as np
import pytest

from geotool.core.geo import LatLon, geodesic_km
from geotool.gallery.vote import vote


def test_neighbours_outvote_a_single_stronger_candidate() -> None:
    points = np.array([[60.0, 10.0], [-10.0, 179.9], [-10.0, -179.9], [-9.9, 180.0]])
    place, peak = vote(points, np.array([0.4, 0.2, 0.2, 0.2]), 100)
    assert peak == 3  # the one in the middle
    assert geodesic_km(LatLon(lat=place[0], lon=place[1]), LatLon(lat=-9.96, lon=180)) < 5


def test_far_candidates_do_not_move_the_place() -> None:
    points = np.array([[48.0, 2.0], [-30.0, 140.0], [89.0, -70.0]])
    place, peak = vote(points, np.array([0.6, 0.3, 0.1]), 100)
    assert peak == 0
    np.testing.assert_allclose(place, [48, 2], atol=1e-9)


@pytest.mark.parametrize("pole", [90.0, -90.0])
def test_the_pole_is_a_place(pole: float) -> None:
    around = np.array([[pole * 0.999, lon] for lon in (0.0, 120.0, -120.0)])
    place, _ = vote(around, np.ones(3) / 3, 500)
    assert abs(place[0] - pole) < 0.05
