"""Say where photos were taken: the best matching points of the model's gallery."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.core.config import option
from geotool.core.coordinates import parse_latlon
from geotool.core.errors import UsageError
from geotool.core.records import ItemError
from geotool.core.report import Report
from geotool.engine import TOP_K, Engine
from geotool.gallery.search_plan import SEARCH, SearchKind


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `locate`."""

    photos: tuple[Path, ...] = option(help="photos: JPEG, PNG, WebP, HEIC, AVIF", positional=True)
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    top_k: int = option(TOP_K, help="candidates per photo", min=1, max=1000)
    search: SearchKind = option(SEARCH, help="coarse to fine, or all points")
    beam: int | None = option(None, help="leaves of the tree that are read (default: measured)", min=1)
    gallery: Path | None = option(None, help="folder of build-gallery (default: the model's own points)")
    zoom: bool = option(False, help="move the best candidate to the best place between gallery points")
    truth: str | None = option(None, help="where the photo was taken, as LAT,LON: gives the error")
    format: Literal["table", "json", "csv", "geojson", "kml", "html"] = option("table", help="output")
    out: Path | None = option(None, help="file to write (default: standard output)")


def run(config: Config, report: Report) -> int:
    """Print one result or error per photo, in input order; the exit code is the first error's."""
    from geotool.output import export  # folium and jinja, which --help does without

    if config.truth and len(config.photos) > 1:
        raise UsageError("--truth says where one photo was taken.", "Give one photo with it.")
    truth = parse_latlon(config.truth) if config.truth else None
    engine = Engine.load(
        config.model, config.device, report,
        search=config.search, beam=config.beam, gallery=config.gallery, zoom=config.zoom,
    )  # fmt: skip
    results = engine.locate_many(config.photos, truth=truth, top_k=config.top_k, report=report)
    text = export.to_text(results, config.format)
    if config.out:
        export.write(text, config.out)
    else:
        sys.stdout.write(text if text.endswith("\n") else text + "\n")
    return _say_errors([result for result in results if isinstance(result, ItemError)])


def _say_errors(errors: list[ItemError]) -> int:
    for error in errors:
        print(f"geotool: {error.path}: {error.message}", file=sys.stderr)
    return errors[0].exit_code if errors else 0
