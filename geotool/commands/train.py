"""Train image head and location encoder on precomputed features; a stopped training goes on where it was."""

from __future__ import annotations

from geotool.core.report import Report
from geotool.training.config import TrainConfig as Config


def run(config: Config, report: Report) -> None:
    """Train, write the model folder, say where it is. Under torchrun the first process writes and speaks."""
    from geotool.training.loop import train

    if train(config, report):
        print(f"model {config.out.name} in {config.out}")
