"""Make a model of your own region from your own photos, on top of one that is there.

It puts these jobs into the queue: precompute and train; with --points build-gallery; with --test evaluate
and calibrate.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.commands import build_gallery, calibrate, evaluate
from geotool.commands.recipes import Steps, new_model_folder, say_started, start_recipe, with_epochs
from geotool.core import paths
from geotool.core.config import option
from geotool.core.report import Report
from geotool.features.config import PrecomputeConfig
from geotool.features.views import MAX_VIEWS
from geotool.model.zoo import CALIBRATION_FILE, default_model
from geotool.training.config import TrainConfig


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `region-model`."""

    data: Path = option(
        help="your photos with coordinates: a folder, a CSV or Parquet table, or tar files", positional=True
    )
    name: str = option(help="name of the new model")
    test: Path | None = option(
        None,
        help="other photos of the region than those it learns from: they measure the model and its radii",
    )
    points: Path | None = option(
        None, help="a gallery of these points besides, for `locate --gallery` (default: none)"
    )
    base: str | None = option(None, help="model to start from (default: the best one that is ready)")
    views: int = option(
        1, help="parts kept per photo: more of them learn more from few photos", min=1, max=MAX_VIEWS
    )
    epochs: int | None = option(
        None, help="times that every photo is seen, at most (default: as train)", min=1
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")


def run(config: Config, report: Report) -> None:
    """Start the chain and say which jobs it is."""
    say_started(start_recipe(steps(config)))


def steps(config: Config) -> Steps:
    """The commands in their order. Raises UsageError (name is taken), NotFoundError (no model is ready)."""
    out, home = new_model_folder(config.name), paths.home()
    base, store = config.base or default_model().name, home / "features" / config.name
    device = config.device
    precompute = PrecomputeConfig(data=config.data, model=base, out=store, views=config.views, device=device)
    train = TrainConfig(features=store, out=out, init=base, title=config.name, device=device)
    chain: Steps = (("precompute", precompute), ("train", with_epochs(train, config.epochs)))
    if config.points:
        gallery = home / "galleries" / f"{config.name}-points"
        points = build_gallery.Config(
            coordinates=config.points, model=config.name, device=device, out=gallery
        )
        chain = (*chain, ("build-gallery", points))
    return (*chain, *_measure(config, out)) if config.test else chain


def _measure(config: Config, model: Path) -> Steps:
    """The error on photos that the model has not seen, and the radii fitted on them."""
    measured = paths.home() / "runs" / f"{config.name}-test"
    return (
        (
            "evaluate",
            evaluate.Config(data=config.test, model=config.name, out=measured, device=config.device),
        ),
        ("calibrate", calibrate.Config(run=measured, out=model / CALIBRATION_FILE)),
    )
