"""Measure a model on a data set with known coordinates: a folder with images/ and metadata.csv."""

from __future__ import annotations

import dataclasses
import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geotool.core import paths
from geotool.core.config import option
from geotool.core.errors import EmptyResultError
from geotool.core.records import ItemError
from geotool.core.report import Report
from geotool.engine import TOP_K, Engine
from geotool.photos.manifest import read_dataset


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `evaluate`."""

    data: Path = option(help="data set: a folder with images/ and metadata.csv", positional=True)
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    top_k: int = option(TOP_K, help="candidates kept per photo", min=1, max=1000)
    out: Path | None = option(None, help="run folder to write (default: a new one under runs/)")
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Locate every photo, print the figures, keep every answer in the run folder."""
    from geotool.evaluation.run import locate_rows, summarise, write_run

    found = read_dataset(config.data)
    rows = [row for row in found if not isinstance(row, ItemError)]
    unusable = [row for row in found if isinstance(row, ItemError)]
    if not rows:
        reason = unusable[0].message if unusable else "It lists no photos."
        raise EmptyResultError(f"{config.data} has no photo with coordinates.", reason)
    engine = Engine.load(config.model, config.device, report)
    answers = locate_rows(engine, rows, config.top_k, report)
    result = summarise(answers, unusable, engine)
    folder = config.out or _new_folder(engine.info.name)
    write_run(folder, answers, unusable, result, dataclasses.asdict(config))
    report.event("run written", folder=folder)
    print(json.dumps(result) if config.format == "json" else _to_table(result))


def _new_folder(model_name: str) -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return paths.home() / "runs" / f"{stamp}-evaluate-{model_name}"


def _to_table(result: dict[str, Any]) -> str:
    lines = [f"model     {result['model']['name']}"]
    lines.append(f"photos    {result['n']}, failed {result['failed']}, unknown {result['unknown']}")
    for km, percent in result["within_km"].items():
        low, high = result["intervals95"][km]
        lines.append(f"<= {km:>4} km  {percent:5.1f} %   (95 %: {low:.1f} to {high:.1f})")
    median = "none: half of the photos have no answer"
    if result["median_km"] is not None:
        median = f"{result['median_km']:.3g} km"
    lines.append(f"median    {median}")
    return "\n".join(lines)
