import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from geotool.core.sphere import from_xyz, to_xyz
from geotool.gallery import cells
from tests.gallery.test_gallery import spread_points

EVERYWHERE = spread_points(4000).astype(np.float64)
LEVELS = [0, 1, *cells.PATH_LEVELS]
places = st.tuples(st.floats(-90, 90), st.floats(-180, 180))


def distance_to_center_km(latlon_deg: np.ndarray, level: int) -> np.ndarray:
    centers = cells.find_centers(cells.find_cells(latlon_deg, level), level)
    return np.array([great_circle(tuple(a), tuple(b)).km for a, b in zip(latlon_deg, centers, strict=True)])


@pytest.mark.parametrize("level", LEVELS)
def test_every_cell_is_used_and_holds_its_own_middle(level: int) -> None:
    every = np.arange(6 * 4**level)
    centers = cells.find_centers(every, level)
    assert cells.find_cells(centers, level).tolist() == every.tolist()


@given(places)
def test_cells_are_nested(place: tuple[float, float]) -> None:
    point = np.array([place])
    for level in range(cells.MAX_LEVEL):
        [inner], [outer] = cells.find_cells(point, level + 1), cells.find_cells(point, level)
        assert cells.to_level(np.array([inner]), level + 1, level).tolist() == [outer]
        assert inner // 4 == outer


@given(places, st.sampled_from(LEVELS))
def test_a_point_is_near_the_middle_of_its_cell(place: tuple[float, float], level: int) -> None:
    """Also across the antimeridian and at the poles: no cell is longer there than elsewhere."""
    [km] = distance_to_center_km(np.array([place]), level)
    assert km < 0.8 * cells.cell_width_km(level)


@given(st.floats(-180, 180), st.floats(-90, 90))
def test_one_cell_at_the_poles_and_on_the_antimeridian(lon: float, lat: float) -> None:
    same = [[(90, 0), (90, lon)], [(-90, 0), (-90, lon)], [(lat, -180), (lat, 180)]]
    for pair in same:
        first, second = cells.find_cells(np.array(pair, dtype=np.float64), cells.PATH_LEVELS[-1])
        assert first == second


@pytest.mark.parametrize("level", cells.PATH_LEVELS)
@pytest.mark.parametrize("lon", [180.0, 0.0, 45.0, 90.0, -135.0])
def test_two_points_astride_a_seam_have_touching_cells(level: int, lon: float) -> None:
    for lat in np.linspace(-89.5, 89.5, 60):
        west = (lat, (lon - 0.005 / np.cos(np.radians(lat)) + 180) % 360 - 180)
        east = (lat, (lon + 0.005 / np.cos(np.radians(lat)) + 180) % 360 - 180)
        assert great_circle(west, east).km < 1.2
        a, b = cells.find_centers(cells.find_cells(np.array([west, east]), level), level)
        assert great_circle(tuple(a), tuple(b)).km < 1.6 * cells.cell_width_km(level)


@pytest.mark.parametrize("level", [2, 4])
def test_cells_are_alike_in_area(level: int) -> None:
    """Counted with random points: the area of a cell is the share of points that fall into it."""
    points = from_xyz(np.random.default_rng(0).normal(size=(2_000_000, 3)))
    share = np.bincount(cells.find_cells(points, level), minlength=6 * 4**level) / len(points) * 6 * 4**level
    noise = 5 * np.sqrt(6 * 4**level / len(points))
    assert share.max() / share.min() < 1.42 * (1 + noise) / (1 - noise)


@pytest.mark.parametrize("level", cells.PATH_LEVELS)
def test_the_width_is_that_of_the_cells(level: int) -> None:
    """The distance between two neighbouring middles, over the whole Earth."""
    width_km, middles = cells.cell_width_km(level), cells.find_centers(np.arange(6 * 4**level), level)
    xyz = to_xyz(middles)
    for cell in range(0, len(middles), max(1, 4**level // 20)):
        nearest = np.argsort(-xyz @ xyz[cell])[1]
        km = great_circle(tuple(middles[cell]), tuple(middles[nearest])).km
        assert 0.75 * width_km < km < 1.1 * width_km


def test_a_path_goes_from_coarse_to_fine() -> None:
    paths = cells.find_cell_paths(EVERYWHERE)
    assert paths.shape == (len(EVERYWHERE), 3)
    for column, level in zip(paths.T, cells.PATH_LEVELS, strict=True):
        assert column.tolist() == cells.find_cells(EVERYWHERE, level).tolist()
    assert [round(cells.cell_width_km(level), -1) for level in cells.PATH_LEVELS] == [2310, 580, 140]
