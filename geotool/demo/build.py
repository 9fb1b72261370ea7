"""Rebuild the embedded model: cut tiles, train, measure, write the card. `python -m geotool.demo.build`.

What is finished is kept, so that a stopped build goes on when it is started again.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from geotool.commands import calibrate, demo_data, evaluate
from geotool.core import paths
from geotool.core.artifacts import write_json
from geotool.core.errors import GeotoolError
from geotool.core.report import ConsoleReport, Report
from geotool.demo.examples import write_examples
from geotool.demo.land import find_land_points
from geotool.demo.raster import default_raster_path, read_raster
from geotool.model.zoo import CALIBRATION_FILE
from geotool.training.answer_places import GALLERY_SIZE
from geotool.training.tower.config import TowerConfig
from geotool.training.tower.loop import train

NAME = "bluemarble"
WORK_DIR = paths.SHIPPED_DIR / f"{NAME}-build"
TRAINING_SEED, TRAINING_TILES = 777, 65_000
TEST_SEED, TEST_TILES = 5, 2000  # other seed, other tiles: none of them was seen in training
CALIBRATION_SEED, CALIBRATION_TILES = 41, 1500  # and others again: radii are fitted on neither
TITLE = "Blue Marble: satellite tiles"
PURPOSE = "Satellite tiles of land, 600 to 1200 km across; it refuses ordinary photographs."
LICENCE = "MIT; trained on NASA Blue Marble Next Generation (public domain)"


def build(report: Report) -> None:
    """Run every step that is not finished yet."""
    raster = read_raster(default_raster_path())
    gallery = WORK_DIR / "gallery.npy"
    report.event("cutting tiles", count=TRAINING_TILES)
    tiles = _write_tiles("tiles", TRAINING_SEED, TRAINING_TILES, report)
    np.save(gallery, find_land_points(raster, GALLERY_SIZE))
    model = paths.SHIPPED_DIR / NAME
    config = TowerConfig(
        data=tiles, out=model, gallery=gallery, title=TITLE, purpose=PURPOSE, licence=LICENCE
    )
    train(config, report)
    report.event("calibrating", count=CALIBRATION_TILES)
    _calibrate(model, _write_tiles("calibration", CALIBRATION_SEED, CALIBRATION_TILES, report), report)
    report.event("measuring on unseen tiles", count=TEST_TILES)
    _write_card(model, _write_tiles("unseen", TEST_SEED, TEST_TILES, report), report)
    write_examples(paths.ASSETS_DIR / "examples", raster)


def _write_tiles(name: str, seed: int, count: int, report: Report) -> Path:
    folder = WORK_DIR / name
    with contextlib.redirect_stdout(sys.stderr):
        demo_data.run(demo_data.Config(folder=folder, seed=seed, count=count), report)
    return folder


def _calibrate(model: Path, data: Path, report: Report) -> None:
    """Fit the radii of the model's answers on tiles that it has not seen."""
    run = WORK_DIR / "calibration-run"
    with contextlib.redirect_stdout(sys.stderr):
        evaluate.run(evaluate.Config(data=data, model=NAME, out=run), report)
        calibrate.run(calibrate.Config(run=run, out=model / CALIBRATION_FILE), report)


def _write_card(model: Path, data: Path, report: Report) -> None:
    """Put the figures of `evaluate` on unseen tiles into model.json."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        evaluate.run(evaluate.Config(data=data, model=NAME, out=WORK_DIR / "run", format="json"), report)
    result: dict[str, Any] = json.loads(printed.getvalue())
    command = f"demo-data DIR --seed {TEST_SEED} --count {TEST_TILES}; evaluate DIR --model {NAME}"
    kept = ("n", "failed", "unknown", "within_km", "median_km")
    card = {"data": "unseen Blue Marble tiles", **{name: result[name] for name in kept}, "command": command}
    spec = json.loads((model / "model.json").read_text(encoding="utf-8"))
    write_json(model / "model.json", {**spec, "accuracy": [card]})


if __name__ == "__main__":
    try:
        build(ConsoleReport())
    except GeotoolError as error:
        print(f"geotool: {error}", file=sys.stderr)
        sys.exit(error.exit_code)
