"""Encode your own points as a gallery; a stopped run goes on where it was."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from geotool.core.config import option
from geotool.core.report import Report

if TYPE_CHECKING:
    from geotool.gallery.build import BuildSummary


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `build-gallery`."""

    coordinates: Path = option(
        help="points: CSV with lat and lon (also .gz, .zip), GeoNames dump, Parquet, GeoJSON or .npy"
    )
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    out: Path | None = option(
        None, help="gallery folder to write (default: galleries/MODEL-FILE in the home folder)"
    )
    branching: tuple[int, ...] = option(
        (), help="children per cell of the tree, once per level (default: from the number of points)", min=2
    )
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Write the gallery and print what became of the rows."""
    from geotool.gallery.build import build_gallery_from_points
    from geotool.gallery.gallery import gallery_folder
    from geotool.model.geomodel import load_model

    model = load_model(config.model, config.device)
    folder = config.out or gallery_folder(f"{model.name}-{_stem(config.coordinates)}")
    summary = build_gallery_from_points(model, config.coordinates, folder, report, config.branching or None)
    print(_to_json(summary) if config.format == "json" else _to_line(summary))


def _stem(path: Path) -> str:
    """The name of a file without any of its suffixes: points.csv.gz is points."""
    return path.name.lstrip(".").partition(".")[0] or path.name


def _to_json(summary: BuildSummary) -> str:
    values = {**dataclasses.asdict(summary), "rejected_file": summary.rejected_file}
    return json.dumps(values, default=str)


def _to_line(summary: BuildSummary) -> str:
    line = f"{summary.points:,} points in {summary.folder}"
    if summary.duplicates_merged:
        line += f"; {summary.duplicates_merged:,} repeated points merged"
    if summary.rejected:
        line += f"; {summary.rejected:,} rows rejected, listed in {summary.rejected_file}"
    return line
