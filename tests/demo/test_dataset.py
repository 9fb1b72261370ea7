"""The data set that demo-data writes: ordinary, repeatable, resumable."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from geotool.commands import demo_data
from geotool.core.errors import MismatchError, StoppedError, UsageError
from geotool.core.geo import LatLon
from geotool.core.report import SilentReport
from geotool.demo.dataset import recipe_for, write_tiles
from geotool.demo.examples import EXAMPLES, write_examples
from geotool.photos.manifest import read_dataset
from geotool.photos.read import read_exif_truth
from tests.demo.worlds import smooth_world, two_continents


class Stopping(SilentReport):
    stop_requested = True


@pytest.fixture
def world(tmp_path: Path) -> Path:
    path = tmp_path / "world.png"
    Image.fromarray(two_continents().pixels).save(path)
    return path


def _cut(folder: Path, world: Path, count: int = 3, seed: int = 1) -> None:
    demo_data.run(
        demo_data.Config(folder=folder, raster=world, count=count, seed=seed, size_px=32), SilentReport()
    )


def test_it_is_an_ordinary_data_set(tmp_path, world):
    _cut(tmp_path / "set", world)
    rows = read_dataset(tmp_path / "set")
    with (tmp_path / "set" / "metadata.csv").open() as file:
        assert next(csv.reader(file)) == ["IMG_ID", "LAT", "LON"]
    assert len(rows) == 3
    assert all(Image.open(row.path).size == (32, 32) and isinstance(row.location, LatLon) for row in rows)


def test_the_same_seed_gives_the_same_bytes_and_another_seed_other_places(tmp_path, world):
    for name, seed in (("a", 1), ("b", 1), ("c", 2)):
        _cut(tmp_path / name, world, seed=seed)
    files = [{p.name: p.read_bytes() for p in (tmp_path / n / "images").iterdir()} for n in "ab"]
    assert files[0] == files[1]
    places = [{row.location for row in read_dataset(tmp_path / n)} for n in "ac"]
    assert not places[0] & places[1]


def test_a_longer_set_begins_with_the_shorter_one(tmp_path, world):
    _cut(tmp_path / "short", world, count=2)
    _cut(tmp_path / "long", world, count=4)
    short, long = (read_dataset(tmp_path / name) for name in ("short", "long"))
    assert [row.location for row in short] == [row.location for row in long[:2]]


def test_a_stopped_run_goes_on(tmp_path, world):
    recipe = recipe_for(world, seed=1, count=3, size_px=32, span_km=None)
    with pytest.raises(StoppedError):
        write_tiles(tmp_path / "set", world, recipe, Stopping())
    assert not (tmp_path / "set" / "metadata.csv").exists()
    write_tiles(tmp_path / "set", world, recipe, SilentReport())
    assert len(read_dataset(tmp_path / "set")) == 3


def test_other_settings_and_strange_folders_are_refused(tmp_path, world):
    _cut(tmp_path / "set", world)
    with pytest.raises(MismatchError, match="seed"):
        _cut(tmp_path / "set", world, seed=2)
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "diary.txt").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        _cut(tmp_path / "full", world)


def test_several_processes_write_the_same_tiles(tmp_path, world):
    _cut(tmp_path / "many", world, count=70)
    assert [r.id for r in read_dataset(tmp_path / "many")] == [f"tile_1_{i:06d}.jpg" for i in range(70)]


def test_examples_carry_their_truth(tmp_path):
    write_examples(tmp_path, smooth_world())
    for name, tile in EXAMPLES.items():
        truth = read_exif_truth(tmp_path / f"{name}.jpg")
        assert np.allclose((truth.lat, truth.lon), (tile.center.lat, tile.center.lon), atol=1e-4)
