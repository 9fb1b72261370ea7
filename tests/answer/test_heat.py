from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geotool.answer.bars import NAMELESS, find_bars
from geotool.answer.heat import SMOOTHING_KM, build_heat, find_cosines, find_heat
from geotool.answer.path import find_level_names
from geotool.core.errors import StoppedError
from geotool.core.records import Heat
from geotool.core.report import SilentReport
from geotool.core.sphere import haversine_km, to_xyz

PARIS, GOBI, FIJI = (48.86, 2.35), (43.0, 104.0), (-17.8, 179.9)
SCALE = 40.0


def centers(heat: Heat) -> np.ndarray:
    """(H, W, 2) the middle of each cell."""
    rows, columns = heat.mass.shape
    lat = 90 - (np.arange(rows) + 0.5) * 180 / rows
    lon = -180 + (np.arange(columns) + 0.5) * 360 / columns
    return np.stack(np.meshgrid(lat, lon, indexing="ij"), axis=-1)


def per_area(heat: Heat) -> np.ndarray:
    return heat.mass / np.cos(np.radians(centers(heat)[..., 0]))


def hottest(heat: Heat) -> np.ndarray:
    """(2,) where the map is deepest in colour: around a lone point the heat is level, and only fades."""
    flat = int((per_area(heat) * heat.coverage).argmax())
    return centers(heat).reshape(-1, 2)[flat]


def around(place: tuple[float, float], count: int, spread_deg: float = 0.4) -> np.ndarray:
    return place + np.random.default_rng(count).normal(0, spread_deg, (count, 2))


def random_gallery(count: int) -> tuple[np.ndarray, np.ndarray]:
    """(N, 64) float16 unit vectors and (N, 2) points."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(count, 64))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    points = np.stack([rng.uniform(-60, 60, count), rng.uniform(-180, 180, count)], axis=1)
    return vectors.astype(np.float16), points


def test_equal_cosines_are_flat_whatever_the_density() -> None:
    points = np.concatenate(
        [around(PARIS, 5000), around(GOBI, 3), around(FIJI, 200), [(89.0, 10), (-77, 166)]]
    )
    points[:, 1] = (points[:, 1] + 180) % 360 - 180
    heat = build_heat(points, np.full(len(points), 0.2), SCALE)
    values = per_area(heat)[heat.coverage > 0]
    assert values == pytest.approx(np.full(len(values), values[0]), rel=1e-6)
    assert heat.mass.sum() == pytest.approx(1)
    assert 0 < len(values) < heat.mass.size / 100


def test_one_match_in_the_desert_outshines_a_city_of_weaker_ones() -> None:
    points = np.concatenate([around(PARIS, 3000), [GOBI]])
    cosines = np.r_[np.full(3000, 0.20), 0.23]  # three thousand weights, each a third of the other one
    heat = build_heat(points, cosines, SCALE)
    assert haversine_km(hottest(heat), np.array(GOBI)) < 40
    city = per_area(heat)[haversine_km(centers(heat), np.array(PARIS)) < 40].max()
    assert city / per_area(heat).max() == pytest.approx(np.exp(-SCALE * 0.03), rel=1e-3)


def test_a_dense_grid_gives_the_kernel_regression_of_its_weights() -> None:
    """Against the sum over all points, by their distances on the sphere."""
    lat, lon = np.meshgrid(np.arange(30.25, 50, 0.5), np.arange(-10.25, 15, 0.5), indexing="ij")
    points = np.stack([lat.ravel(), lon.ravel()], axis=1)
    cosines = 0.2 + 0.05 * to_xyz(points)[:, 0] * np.sin(points[:, 1])
    heat = build_heat(points, cosines, SCALE)
    places = [(40.25, 0.25), (35.25, 5.25), (44.25, -3.25)]
    expected = []
    for place in places:
        kernel = np.exp(-((haversine_km(points, np.array(place)) / SMOOTHING_KM) ** 2) / 2)
        expected.append(kernel @ np.exp(SCALE * cosines) / kernel.sum())
    found = [per_area(heat)[np.isclose(centers(heat), place).all(axis=-1)].item() for place in places]
    assert np.array(found) / found[0] == pytest.approx(np.array(expected) / expected[0], rel=0.02)


@pytest.mark.parametrize("place", [FIJI, (-17.8, -180.0), (71.0, 179.99), (86.0, 40.0), (90.0, 0.0)])
def test_heat_lies_around_its_point_even_at_seam_and_pole(place: tuple[float, float]) -> None:
    heat = build_heat(np.array([place]), np.array([0.3]), SCALE)
    distances_km = haversine_km(centers(heat), np.array(place))
    covered = heat.coverage > 0
    assert distances_km[covered].max() < 170
    assert covered[distances_km < 60].all()


def test_heat_of_a_gallery_in_half_precision() -> None:
    vectors, points = random_gallery(500)
    heat = find_heat(vectors, points, vectors[7].astype(np.float32), SCALE)
    assert haversine_km(hottest(heat), points[7]) < 60
    exact = build_heat(points, vectors.astype(np.float64) @ vectors[7], SCALE)
    assert abs(heat.mass - exact.mass).max() < 0.05 * exact.mass.max()


def test_a_mapped_gallery_is_drawn_piece_by_piece_as_if_it_were_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("geotool.answer.heat._BLOCK", 64)
    vectors, points = random_gallery(300)
    np.save(tmp_path / "vectors.npy", vectors)
    mapped = np.load(tmp_path / "vectors.npy", mmap_mode="r")
    heat = find_heat(mapped, points, vectors[7].astype(np.float32), SCALE)
    whole = build_heat(points, find_cosines(vectors, vectors[7].astype(np.float32)), SCALE)
    assert heat.mass == pytest.approx(whole.mass, rel=1e-6)
    assert heat.coverage == pytest.approx(whole.coverage)


def test_points_that_are_not_allowed_leave_no_trace() -> None:
    vectors, points = random_gallery(300)
    allowed = points[:, 0] > 20
    heat = find_heat(vectors, points, vectors[7].astype(np.float32), SCALE, allowed)
    alone = find_heat(vectors[allowed], points[allowed], vectors[7].astype(np.float32), SCALE)
    assert heat.mass == pytest.approx(alone.mass)
    with pytest.raises(ValueError, match="gallery point"):
        find_heat(vectors, points, vectors[7].astype(np.float32), SCALE, np.zeros(300, dtype=bool))


def test_it_says_how_far_it_is_and_stops_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("geotool.answer.heat._BLOCK", 128)
    vectors, points = random_gallery(300)
    report, said = SilentReport(), []
    monkeypatch.setattr(report, "progress", lambda done, total, **_: said.append((done, total)))
    find_heat(vectors, points, vectors[0].astype(np.float32), SCALE, report=report)
    assert said == [(128, 300), (256, 300), (300, 300)]
    report.stop_requested = True
    with pytest.raises(StoppedError):
        find_heat(vectors, points, vectors[0].astype(np.float32), SCALE, report=report)


def test_no_point_gives_no_heat() -> None:
    with pytest.raises(ValueError, match="gallery point"):
        build_heat(np.empty((0, 2)), np.empty(0), SCALE)


def test_bars_share_the_weight_out() -> None:
    places = np.array(
        [PARIS, (45.76, 4.84), (43.47, 11.88), (40.4, -3.7), (52.5, 13.4), (47.4, 8.5), (30, -40)]
    )
    weights = np.array([4.0, 4, 3, 2, 1, 1, 5])
    continents, countries, regions = find_bars(find_level_names(places), weights)
    assert continents.level == "continent"
    assert dict(continents.shares) == pytest.approx({"Europe": 0.75, NAMELESS: 0.25})
    assert continents.others == 0
    assert [name for name, _ in countries.shares] == ["France", NAMELESS, "Italy", "Spain"]
    assert countries.shares[0][1] == pytest.approx(0.4)
    assert countries.others == pytest.approx(0.1)
    assert regions.shares[0] == (NAMELESS, pytest.approx(0.25))
    assert regions.shares[1] == ("Île-de-France, France", pytest.approx(0.2))


def test_what_has_no_name_on_a_level_has_that_of_the_one_before() -> None:
    """The Antarctic is in no country, the middle of the Sahara near no city; names of regions come twice."""
    names = {
        "continent": ["Antarctica", "Africa", "Africa", "Africa"],
        "country": [None, "Niger", "Uganda", "Ghana"],
        "region": [None, None, "Central", "Central"],
    }
    _, countries, regions = find_bars(names, np.array([4.0, 3.0, 2.0, 1.0]))
    assert [name for name, _ in countries.shares] == ["Antarctica", "Niger", "Uganda", "Ghana"]
    assert [name for name, _ in regions.shares] == [
        "Antarctica",
        "Niger",
        "Central, Uganda",
        "Central, Ghana",
    ]


def test_bars_need_weight() -> None:
    with pytest.raises(ValueError, match="candidate"):
        find_bars({"continent": ["Europe"]}, np.zeros(1))
