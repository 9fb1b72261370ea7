"""Measure a model, or any system's answers, on photos with known coordinates."""

from __future__ import annotations

import dataclasses
import datetime
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geotool.core import paths
from geotool.core.config import option
from geotool.core.errors import EmptyResultError, UsageError
from geotool.core.records import ItemError
from geotool.core.report import Report
from geotool.engine import TOP_K, Engine
from geotool.photos.manifest import read_dataset

if TYPE_CHECKING:
    from geotool.evaluation.run import Run


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `evaluate`."""

    data: Path | None = option(None, help="data set: a folder with images/ and metadata.csv", positional=True)
    predictions: Path | None = option(
        None, help="in place of DATA: a system's answers, a CSV with IMG_ID, rank, LAT, LON (and prob)"
    )
    truth: Path | None = option(None, help="with --predictions: a CSV with IMG_ID, LAT, LON")
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    top_k: int = option(TOP_K, help="candidates kept per photo", min=1, max=1000)
    vote_km: float | None = option(
        None,
        help="candidates about this near support one another (default: the model's)",
        min=0.01,
        unit="km",
    )
    out: Path | None = option(None, help="run folder to write (default: a new one under runs/)")
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Score every photo, print the figures, keep every answer in the run folder."""
    from geotool.evaluation.run import summarise, write_run

    _check_inputs(config)
    scored = _score_predictions(config, report) if config.predictions else _score_model(config, report)
    result = summarise(scored)
    folder = config.out or _new_folder(scored.system["name"])
    write_run(folder, scored, result, dataclasses.asdict(config))
    report.event("run written", folder=folder)
    print(json.dumps(result) if config.format == "json" else _to_table(result))


def _check_inputs(config: Config) -> None:
    """Raises UsageError unless there is a data set, or a table of answers with one of truths."""
    if config.data and (config.predictions or config.truth):
        raise UsageError(
            "DATA and --predictions exclude each other.",
            "Name a data set to run a model on it, or --predictions and --truth to score answers.",
        )
    if bool(config.predictions) != bool(config.truth):
        given, wanted = ("--predictions", "--truth") if config.predictions else ("--truth", "--predictions")
        raise UsageError(f"{wanted} is missing.", f"{given} needs it: they are scored against each other.")
    if not config.data and not config.predictions:
        raise UsageError("DATA is missing.", "Name a data set, or --predictions and --truth.")


def _score_model(config: Config, report: Report) -> Run:
    """Run a model on a data set."""
    from geotool.evaluation.run import locate_rows

    assert config.data is not None
    found = read_dataset(config.data)
    rows = [row for row in found if not isinstance(row, ItemError)]
    unusable = [row for row in found if isinstance(row, ItemError)]
    if not rows:
        reason = unusable[0].message if unusable else "It lists no photos."
        raise EmptyResultError(f"{config.data} has no photo with coordinates.", reason)
    engine = Engine.load(config.model, config.device, report)
    engine = dataclasses.replace(engine, vote_km=config.vote_km)
    return locate_rows(engine, rows, unusable, config.top_k, report)


def _score_predictions(config: Config, report: Report) -> Run:
    """Let the candidates of a table vote. A model named with it says how near they support one another."""
    from geotool.answer.answerer import Answerer
    from geotool.answer.vote import VOTE_KM
    from geotool.engine import load_calibration_of
    from geotool.evaluation.predictions import score_file
    from geotool.model.zoo import find_model

    assert config.predictions is not None and config.truth is not None
    model = find_model(config.model) if config.model else None
    answerer = Answerer(
        bandwidth_km=config.vote_km or (model.vote_km if model else 0) or VOTE_KM,
        calibration=load_calibration_of(model, report) if model and not config.vote_km else None,
    )
    return score_file(config.predictions, config.truth, answerer, config.top_k, report)


def _new_folder(name: str) -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return paths.home() / "runs" / f"{stamp}-evaluate-{name}"


def _to_table(result: dict[str, Any]) -> str:
    lines = [f"model     {result['model']['name']}"]
    lines.append(f"photos    {result['n']}, failed {result['failed']}, unknown {result['unknown']}")
    lines.append(f"             answer   (95 %)          first candidate, {result['vote_km']:g} km vote")
    for km, percent in result["within_km"].items():
        low, high = result["intervals95"][km]
        first = result["top1_within_km"][km]
        lines.append(f"<= {km:>4} km  {percent:5.2f} %  ({low:.1f} to {high:.1f})  {first:5.2f} %")
    median = "none: half of the photos have no answer"
    if result["median_km"] is not None:
        median = f"{result['median_km']:.3g} km"
    lines.append(f"median    {median}")
    lines += _coverage_lines(result["coverage"])
    return "\n".join(lines)


def _coverage_lines(coverage: dict[str, Any] | None) -> list[str]:
    """How often the truth lay within the radius that was stated, against how often it should have."""
    if coverage is None:
        return ["radii     none: the model is not calibrated, see: python -m geotool calibrate --help"]
    medians_km = {mark: coverage[f"median_radius{mark}_km"] for mark in ("50", "80")}
    lines = [
        f"radius {mark} %  held in {coverage[mark]:.1f} %, median {median_km:.3g} km"
        for mark, median_km in medians_km.items()
    ]
    order = coverage["auroc_25km"]
    return lines if order is None else [*lines, f"AUROC     {order:.3f} of the confidence for within 25 km"]
