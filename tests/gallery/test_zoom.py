from dataclasses import dataclass, field

import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from geotool.core.sphere import to_xyz
from geotool.gallery.zoom import find_spacing_km, zoom
from tests.gallery.test_gallery import SphereModel, spread_points

# Where a flat grid breaks: the antimeridian, both poles, the corner of all numbers.
PLACES = [(43.5, 11.9), (-17.5, 179.99), (-17.5, -180.0), (90.0, 12.0), (-89.99, -70.0), (0.0, 0.0)]


@dataclass
class RecordingModel(SphereModel):
    """Remembers what it was asked to encode."""

    calls: list[np.ndarray] = field(default_factory=list)

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        self.calls.append(latlon_deg)
        return super().encode_locations(latlon_deg)


class RuggedModel(SphereModel):
    """Many local peaks: neighbours have unrelated vectors."""

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        phases = to_xyz(latlon_deg) @ np.random.default_rng(0).normal(size=(3, self.dim)) * 5000
        return (np.cos(phases) / np.sqrt(self.dim)).astype(np.float32)


def query_at(lat: float, lon: float) -> np.ndarray:
    return SphereModel().encode_locations(np.array([[lat, lon]]))[0]


def far(center: tuple[float, float], km: float, bearing_deg: float) -> tuple[float, float]:
    point = great_circle(kilometers=km).destination(center, bearing_deg)
    return point.latitude, point.longitude


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("bearing_deg", [15, 100, 250])
def test_an_answer_finer_than_the_gallery(place: tuple[float, float], bearing_deg: float) -> None:
    start = far(place, 90, bearing_deg)
    # float32 cosines of this model are flat within about 2 km of the top.
    found = zoom(SphereModel(), query_at(*place), np.array([start]), 100.0)
    assert great_circle(tuple(found.latlon_deg[0]), place).km < 5
    assert found.cosines[0] == pytest.approx(1.0, abs=1e-6)


@given(lat=st.floats(-90, 90), lon=st.floats(-180, 180), seed=st.integers(0, 99))
def test_no_place_gets_worse(lat: float, lon: float, seed: int) -> None:
    model, start = RuggedModel(), np.array([[lat, lon], [-lat, lon / 2]])
    query = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    query /= np.linalg.norm(query)
    found = zoom(model, query, start, 60.0)
    assert (found.cosines >= model.encode_locations(start) @ query - 1e-6).all()
    assert found.cosines == pytest.approx(model.encode_locations(found.latlon_deg) @ query, abs=1e-6)
    for before, after in zip(start, found.latlon_deg, strict=True):
        assert great_circle(tuple(before), tuple(after)).km < 60 * (1 + 1 / 4 + 1 / 16) * 1.001


@pytest.mark.parametrize("place", PLACES)
def test_the_grid_reaches_the_spacing_and_is_even(place: tuple[float, float]) -> None:
    model = RecordingModel()
    zoom(model, query_at(*place), np.array([place]), 100.0, finest_km=30)
    [points] = model.calls
    assert points[0] == pytest.approx(place)
    from_center = [great_circle(place, tuple(point)).km for point in points[1:]]
    assert max(from_center) == pytest.approx(100, rel=1e-3)
    for point in points[:7]:  # the innermost ones have all their neighbours
        gaps = sorted(great_circle(tuple(point), tuple(other)).km for other in points)[1:7]
        assert gaps == pytest.approx([25] * 6, rel=1e-3)


def test_one_call_per_level_whatever_the_number_of_places() -> None:
    model, starts = RecordingModel(), np.array(PLACES)
    found = zoom(model, query_at(0, 0), starts, 64.0, finest_km=1.0)
    assert len(model.calls) == 3  # 16, 4 and 1 km
    assert found.encoded == sum(len(call) for call in model.calls)
    assert all(len(call) % len(starts) == 0 for call in model.calls)


def test_each_place_has_its_own_spacing_and_climbs_for_itself() -> None:
    places = np.array([(10.0, 10.0), (40.0, 40.0)])
    query = query_at(10.2, 10.2)
    together = zoom(SphereModel(), query, places, np.array([50.0, 10.0]))
    assert great_circle(tuple(together.latlon_deg[0]), (10.2, 10.2)).km < 5
    assert great_circle(tuple(together.latlon_deg[1]), (40, 40)).km < 14


def test_nothing_to_refine() -> None:
    found = zoom(SphereModel(), query_at(0, 0), np.empty((0, 2)), np.empty(0))
    assert found.latlon_deg.shape == (0, 2)
    assert found.encoded == 0


@pytest.mark.parametrize("n", [2, 5, 300, 3000])
def test_spacing_is_the_median_distance_to_the_neighbours(n: int) -> None:
    points = spread_points(n)
    asked = np.array([(0.0, 180.0), (90.0, 0.0), tuple(points[1])])
    for place, spacing_km in zip(asked, find_spacing_km(points, asked), strict=True):
        distances = sorted(great_circle(tuple(place), tuple(point)).km for point in points)
        assert spacing_km == pytest.approx(np.median(distances[1:7]), rel=1e-5)


def test_spacing_where_all_points_lie_elsewhere() -> None:
    points = spread_points(1000)
    points = points[points[:, 0] < -30]
    place = (80.0, 50.0)
    distances = sorted(great_circle(place, tuple(point)).km for point in points)
    [spacing_km] = find_spacing_km(points, np.array([place]))
    assert spacing_km == pytest.approx(np.median(distances[1:7]), rel=1e-5)


def test_a_single_point_and_equal_points_have_a_spacing() -> None:
    assert find_spacing_km(np.zeros((1, 2)), np.zeros((2, 2))) == pytest.approx([20015.1, 20015.1], rel=1e-4)
    assert find_spacing_km(np.zeros((9, 2)), np.zeros((1, 2))).tolist() == [0.0]
    found = zoom(SphereModel(), query_at(0, 0), np.zeros((1, 2)), 0.0)
    assert found.latlon_deg.tolist() == [[0.0, 0.0]]
