"""Get the weights of a model from the Hugging Face Hub, or side-load them from a file or folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geotool.core.config import option
from geotool.core.report import Report


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `download`."""

    model: str = option(help="model by name; see `models`", positional=True)
    source: Path | None = option(
        None, help="checkpoint file or folder that is already here (no network is used)", flag="from"
    )


def run(config: Config, report: Report) -> None:
    """Leave the model ready in the home folder and print where it lies."""
    from geotool.model.install import download_model, side_load

    if config.source is None:
        info = download_model(config.model, report)
    else:
        info = side_load(config.model, config.source, report)
    print(f"{info.name} is ready: {info.folder} ({info.size_mb:,.0f} MB)")
