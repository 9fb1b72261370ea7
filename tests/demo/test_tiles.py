"""Tiles: what they show is what the world image has at their coordinates."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geotool.core.errors import BadImageError, NotFoundError
from geotool.core.geo import LatLon
from geotool.core.sphere import haversine_km
from geotool.demo.land import find_land_points
from geotool.demo.raster import Raster, read_raster
from geotool.demo.tiles import Tile, cut_tile, draw_tile, is_land
from tests.demo.worlds import SEA, smooth_world, two_continents

PLACES = [(0.0, 0.0), (48.0, 11.0), (-33.0, 179.99), (-33.0, -179.99), (89.9, 70.0), (-89.9, -120.0)]


@pytest.mark.parametrize("place", PLACES)
def test_the_middle_of_a_tile_has_the_colour_of_its_coordinates(place):
    world = smooth_world()
    tile = Tile(center=LatLon(lat=place[0], lon=place[1]), span_km=300, rotation_deg=33)
    middle = cut_tile(world, tile, 15)[7, 7].astype(float)
    expected = world.sample(np.array(place[0]), np.array(place[1]))
    assert np.abs(middle - expected).max() <= 1


@pytest.mark.parametrize("place", PLACES)
def test_a_tile_is_as_wide_as_it_says(place):
    tile = Tile(center=LatLon(lat=place[0], lon=place[1]), span_km=1000, rotation_deg=71)
    lat, lon = tile.grid(101)
    points = np.stack([lat, lon], axis=-1)
    middle = points[50, 50]
    assert haversine_km(middle, np.array(place)) < 0.01
    for edge in (points[0, 50], points[100, 50], points[50, 0], points[50, 100]):
        assert haversine_km(edge, np.array(place)) == pytest.approx(1000 * 50 / 101, rel=1e-6)


def test_up_is_north_and_right_is_east_without_rotation():
    lat, lon = Tile(center=LatLon(lat=40, lon=20), span_km=900).grid(9)
    assert lat[0, 4] > 40 > lat[8, 4]
    assert lon[4, 8] > 20 > lon[4, 0]


def test_rotation_turns_the_top_edge_clockwise():
    lat, lon = Tile(center=LatLon(lat=0, lon=0), span_km=900, rotation_deg=90).grid(9)
    assert lon[0, 4] > 3 and abs(lat[0, 4]) < 1e-9  # the top looks east


@pytest.mark.parametrize("place", [(12.0, 180.0), (89.5, 0.0), (-89.5, 33.0)])
def test_no_seam_at_the_antimeridian_and_the_poles(place):
    tile = cut_tile(smooth_world(), Tile(center=LatLon(lat=place[0], lon=place[1]), span_km=900), 64)
    steps = [np.abs(np.diff(tile.astype(int), axis=axis)).max() for axis in (0, 1)]
    assert max(steps) <= 3


def test_a_fine_image_is_averaged_not_skipped():
    checked = (np.indices((2000, 4000)).sum(axis=0) % 2 * 255).astype(np.uint8)
    world = Raster(np.repeat(checked[..., None], 3, axis=2))
    tile = cut_tile(world, Tile(center=LatLon(lat=5, lon=5), span_km=3000), 16)
    assert np.abs(tile.astype(int) - 127).max() < 40


def test_drawn_tiles_lie_on_land_and_repeat_with_their_seed():
    world = two_continents()
    tiles = [draw_tile(world, np.random.default_rng([3, i])) for i in range(40)]
    again = [draw_tile(world, np.random.default_rng([3, i])) for i in range(40)]
    assert tiles == again
    assert tiles != [draw_tile(world, np.random.default_rng([4, i])) for i in range(40)]
    for tile in tiles:
        assert is_land(world.sample(np.array(tile.center.lat), np.array(tile.center.lon)))
        assert 600 <= tile.span_km <= 1200
    assert {tile.center.lat > 0 for tile in tiles} == {True, False}  # both continents


def test_a_fixed_width_is_kept():
    assert draw_tile(two_continents(), np.random.default_rng(0), span_km=777).span_km == 777


def test_an_image_of_sea_alone_is_refused():
    world = Raster(np.full((180, 360, 3), SEA, dtype=np.uint8))
    with pytest.raises(BadImageError, match="no land"):
        draw_tile(world, np.random.default_rng(0))


def test_land_points_are_even_and_on_land():
    world = two_continents()
    points = find_land_points(world, 500)
    assert points.shape == (500, 2) and points.dtype == np.float32
    assert np.array_equal(points, find_land_points(world, 500))
    distances = haversine_km(points[:, None], points[None])
    nearest = np.sort(distances, axis=1)[:, 1]
    assert nearest.max() < 4 * nearest.min() + 100
    assert math.isclose((points[:, 0] > 0).mean(), 0.5, abs_tol=0.25)


@pytest.mark.parametrize("size", [(100, 100), (361, 180), (20, 10)])
def test_only_two_to_one_images_are_world_images(tmp_path: Path, size):
    path = tmp_path / "world.png"
    Image.new("RGB", size).save(path)
    with pytest.raises(BadImageError, match="equirectangular"):
        read_raster(path)


def test_missing_and_broken_images_are_told(tmp_path: Path):
    with pytest.raises(NotFoundError):
        read_raster(tmp_path / "no.png")
    (tmp_path / "text.jpg").write_text("no picture")
    with pytest.raises(BadImageError):
        read_raster(tmp_path / "text.jpg")
