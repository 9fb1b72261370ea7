"""Train a model on a data set of pictures with coordinates; a stopped training goes on where it was."""

from __future__ import annotations

from geotool.core.report import Report
from geotool.training.config import TrainConfig as Config


def run(config: Config, report: Report) -> None:
    """Train, write the model folder, say where it is."""
    from geotool.training.loop import train

    train(config, report)
    print(f"model {config.out.name} in {config.out}")
