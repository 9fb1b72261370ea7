import numpy as np
import pytest
from geopy.distance import great_circle
from hypothesis import given
from hypothesis import strategies as st

from geotool.gallery.explain import Division, explain, to_weights

AREZZO, SIENA, MILAN = (43.47, 11.88), (43.32, 11.33), (45.46, 9.19)
PARIS, TUNIS, FIJI_WEST, FIJI_EAST = (48.86, 2.35), (36.8, 10.2), (-16.6, 179.9), (-16.6, -179.9)
SEA, SEA_NEARBY = (30.0, -40.0), (30.3, -40.3)


def path_of(*places: tuple[float, float], weights: list[float] | None = None):
    return explain(np.array(places), np.array(weights or [1.0] * len(places)))


def test_the_path_of_the_best_place_with_its_masses() -> None:
    path = path_of(AREZZO, SIENA, MILAN, PARIS, TUNIS, weights=[4, 2, 1, 1, 2])
    assert [level.name for level in path[:2]] == ["Europe", "Italy"]
    assert path[2].name.endswith(" E")
    assert [level.mass for level in path] == pytest.approx([0.8, 0.7, 0.6])
    italy = path[1]
    assert great_circle((italy.lat, italy.lon), (43.8, 11.3)).km < 80
    assert all(2 * great_circle((italy.lat, italy.lon), place).km <= italy.width_km * 1.01
               for place in (AREZZO, SIENA, MILAN))  # fmt: skip


def test_a_lone_candidate_has_all_the_mass() -> None:
    path = path_of(AREZZO)
    assert [level.mass for level in path] == [1, 1, 1]
    assert (path[2].lat, path[2].lon) == pytest.approx(AREZZO)
    assert 100 < path[2].width_km < 200


def test_a_country_on_both_sides_of_the_antimeridian_is_one() -> None:
    path = path_of(FIJI_WEST, FIJI_EAST)
    assert [level.name for level in path[:2]] == ["Oceania", "Fiji"]
    assert [level.mass for level in path[:2]] == [1, 1]
    assert abs(path[1].lon) == pytest.approx(180)
    assert path[1].width_km < 200


def test_places_without_a_name_are_told_by_their_cell() -> None:
    path = path_of(SEA, SEA_NEARBY, AREZZO)
    assert path[0].mass == pytest.approx(2 / 3)
    for level in path:
        lat, north, lon, east = level.name.split()
        assert (north, east) == ("N", "W")
        assert great_circle((float(lat), -float(lon)), SEA).km < 2000


def test_the_antarctic_has_no_country() -> None:
    path = path_of((-80.0, 60.0), (-80.0, -120.0))
    assert path[0].name == "Antarctica"
    assert path[0].mass == 1
    assert path[1].mass == 0.5
    assert " S " in path[1].name


@given(
    st.lists(st.tuples(st.floats(-90, 90), st.floats(-180, 180), st.floats(0.01, 1)), min_size=1, max_size=8)
)
def test_masses_never_rise_on_the_way_down(rows: list[tuple[float, float, float]]) -> None:
    places, weights = np.array(rows)[:, :2], np.array(rows)[:, 2]
    path = explain(places, weights)
    masses = [1.0 + 1e-9, *(level.mass for level in path)]
    assert masses == sorted(masses, reverse=True)
    assert path[-1].mass >= weights[0] / weights.sum() - 1e-9
    assert all(-90 <= level.lat <= 90 and -180 <= level.lon <= 180 for level in path)


def test_other_divisions_can_be_given() -> None:
    """What a gazetteer will do: names for a level of its own."""
    regions = Division(
        cell_level=6, find_names=lambda places: ["Tuscany" if p[1] > 11 else None for p in places]
    )
    [level] = explain(np.array([AREZZO, SIENA, MILAN]), np.ones(3), (regions,))
    assert (level.name, level.mass) == ("Tuscany", pytest.approx(2 / 3))


@pytest.mark.parametrize(
    ("places", "weights"), [(np.empty((0, 2)), np.empty(0)), (np.zeros((1, 2)), np.zeros(1))]
)
def test_nothing_to_explain(places: np.ndarray, weights: np.ndarray) -> None:
    with pytest.raises(ValueError, match="at least one candidate"):
        explain(places, weights)


def test_weights_are_a_softmax_over_these_candidates() -> None:
    cosines = np.array([0.9, 0.8, -0.5], dtype=np.float32)
    expected = np.exp(50.0 * cosines.astype(np.float64))
    np.testing.assert_allclose(to_weights(cosines, 50.0), expected / expected.sum(), rtol=1e-9)
    assert np.isfinite(to_weights(cosines, 5000.0)).all()


def test_the_width_is_measured_across_the_antimeridian() -> None:
    nadi, taveuni = (-17.8, 177.42), (-16.85, -179.97)
    path = path_of(nadi, taveuni)
    assert path[1].name == "Fiji"
    assert path[1].width_km == pytest.approx(great_circle(nadi, taveuni).km, rel=1e-3)
