"""What all runs share: tiles, the frozen tower, its features, the places to answer with.

Every part is made by the function behind a command and kept, so that a stopped study goes on.
"""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geotool.core.errors import MismatchError
from geotool.core.report import Report
from geotool.demo.dataset import recipe_for, write_tiles
from geotool.demo.land import find_land_points
from geotool.demo.raster import default_raster_path, read_raster
from geotool.features.config import PrecomputeConfig
from geotool.features.precompute import precompute
from geotool.model.zoo import ModelInfo, find_model, read_model
from geotool.study.augmented import write_augmented
from geotool.study.config import StudyConfig
from geotool.study.place import StudyPlace, home_at
from geotool.study.variants import VARIANTS
from geotool.training.tower.config import TowerConfig
from geotool.training.tower.loop import train as train_tower

TILE_PX = 128
UNSEEN, SEASON = "unseen", "season"  # the two tests
# Every set has a seed of its own, so that no tile is in two of them, nor in those of the shipped model.
TILE_SEEDS = {"tower": 9001, "training": 9002, "validation": 9003, UNSEEN: 9004, SEASON: 9005}
_TOWER, _TOWER_SEED = "tower", 9000


@dataclass(frozen=True, slots=True, kw_only=True)
class Materials:
    """`tower` is the model whose tower is frozen, `tests` the names of the test sets and their stores."""

    place: StudyPlace
    tower: ModelInfo
    tests: tuple[str, ...]
    gallery_deg: np.ndarray  # (N, 2)


def prepare(config: StudyConfig, place: StudyPlace, report: Report) -> Materials:
    """Make what is missing. Raises what its commands raise, StoppedError included."""
    world = config.world or default_raster_path()
    tests = (UNSEEN, *([SEASON] if config.raster else []))
    counts = {"training": config.tiles, "validation": config.test_tiles, UNSEEN: config.test_tiles}
    for name, count in counts.items():
        _cut(place, name, world, count, report)
    if config.raster:
        _cut(place, SEASON, config.raster, config.test_tiles, report)
    tower = _copy_tower(config.tower, place) if config.tower else _train_tower(config, place, world, report)
    with home_at(place.models):
        _compute_features(config, place, tower, tests, report)
    places = find_land_points(read_raster(world), config.gallery_size)
    return Materials(place=place, tower=tower, tests=tests, gallery_deg=places)


def _cut(place: StudyPlace, name: str, raster: Path, count: int, report: Report) -> None:
    report.event("tiles", set=name, count=count)
    recipe = recipe_for(raster, TILE_SEEDS[name], count, TILE_PX, span_km=None)
    write_tiles(place.tiles(name), raster, recipe, report)


def _train_tower(config: StudyConfig, place: StudyPlace, world: Path, report: Report) -> ModelInfo:
    """The recipe of the end-to-end variant, on tiles of its own."""
    folder = place.models / _TOWER
    if not folder.is_dir():
        _cut(place, "tower", world, config.tiles, report)
        report.event("training the tower", steps=config.steps)
        train_tower(tower_config(config, place.tiles("tower"), folder, _TOWER_SEED), report)
    return read_model(folder)


def tower_config(config: StudyConfig, data: Path, out: Path, seed: int) -> TowerConfig:
    """How end-to-end trainings are done, that of the frozen tower included."""
    return TowerConfig(
        data=data, out=out, seed=seed, device=config.device, steps=config.steps, batch=config.batch
    )


def _copy_tower(name: str, place: StudyPlace) -> ModelInfo:
    """A copy stays what it is while the study lasts. Raises MismatchError for a model of photographs."""
    found = find_model(name)
    if found.spec["preprocessing"]["kind"] != "tile" or "from" in found.spec["image_tower"]:
        raise MismatchError(f"{name} has no image tower of its own for tiles.", "Name one of train-tower.")
    target = place.models / found.folder.name
    if not target.is_dir():
        shutil.copytree(found.folder, target)
    return read_model(target)


def _compute_features(
    config: StudyConfig, place: StudyPlace, tower: ModelInfo, tests: tuple[str, ...], report: Report
) -> None:
    for name in ("training", "validation", *tests):
        views = config.views if name == "training" else 1
        compute_store(config, tower.name, place.tiles(name), place.store(name), report, views)
    if any(VARIANTS[name].pixels == "frozen tower" for name in config.variants):
        write_augmented(config, tower.name, place.tiles("training"), place.store("augmented"), report)


def compute_store(
    config: StudyConfig, model: str, tiles: Path, store: Path, report: Report, views: int
) -> None:
    """Run a model's tower over tiles, if the store is not there."""
    if store.is_dir():
        return
    report.event("features", model=model, of=tiles.name, views=views)
    settings = PrecomputeConfig(data=tiles, model=model, out=store, views=views, device=config.device)
    precompute(settings, report)
