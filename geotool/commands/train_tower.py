"""Train an image tower and location encoder on pictures with coordinates; stopped, it goes on."""

from __future__ import annotations

from geotool.core.report import Report
from geotool.training.tower.config import TowerConfig as Config


def run(config: Config, report: Report) -> None:
    """Train, write the model folder, say where it is."""
    from geotool.training.tower.loop import train

    train(config, report)
    print(f"model {config.out.name} in {config.out}")
