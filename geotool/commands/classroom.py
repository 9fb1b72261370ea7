"""Make a small model from satellite tiles, from the first picture to its radii: a demonstration in minutes.

It puts these jobs into the queue: demo-data twice, precompute, train, evaluate, calibrate.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from geotool.commands import calibrate, demo_data, evaluate
from geotool.commands.recipes import Steps, new_model_folder, say_started, start_recipe, with_epochs
from geotool.core import paths
from geotool.core.config import option
from geotool.core.report import Report
from geotool.features.config import PrecomputeConfig
from geotool.model.zoo import CALIBRATION_FILE, FALLBACK
from geotool.training.config import TrainConfig

PURPOSE = "Satellite tiles of land, as a demonstration of how a model is made."


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `classroom`."""

    name: str = option("classroom", help="name of the new model")
    tiles: int = option(4000, help="tiles to learn from", min=20, max=1_000_000)
    test_tiles: int = option(
        600, help="other tiles, to measure the model on; radii need 200 answers", min=250, max=1_000_000
    )
    seed: int = option(1, help="other seeds give other tiles", min=0)
    epochs: int | None = option(
        None, help="times that every tile is seen, at most (default: as train)", min=1
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")


def run(config: Config, report: Report) -> None:
    """Start the chain and say which jobs it is."""
    say_started(start_recipe(steps(config)))


def steps(config: Config) -> Steps:
    """The commands in their order. Raises UsageError where the name is taken."""
    out, home = new_model_folder(config.name), paths.home()
    tiles, unseen = (home / "data" / f"{config.name}-{part}" for part in ("tiles", "unseen"))
    store, measured = home / "features" / config.name, home / "runs" / f"{config.name}-unseen"
    train = TrainConfig(
        features=store,
        out=out,
        title=f"{config.name}: satellite tiles",
        purpose=PURPOSE,
        device=config.device,
    )
    return (
        ("demo-data", demo_data.Config(folder=tiles, count=config.tiles, seed=config.seed)),
        ("demo-data", demo_data.Config(folder=unseen, count=config.test_tiles, seed=config.seed + 1)),
        ("precompute", PrecomputeConfig(data=tiles, model=FALLBACK, out=store, device=config.device)),
        ("train", with_epochs(train, config.epochs)),
        ("evaluate", evaluate.Config(data=unseen, model=config.name, out=measured, device=config.device)),
        ("calibrate", calibrate.Config(run=measured, out=out / CALIBRATION_FILE)),
    )
