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
    import numpy as np

    from geotool.evaluation.labels import Labels
    from geotool.evaluation.run import Run
    from geotool.features.store import FeatureStore
    from geotool.model.zoo import ModelInfo
    from geotool.photos.manifest import Row


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `evaluate`."""

    data: Path | None = option(
        None,
        help="data set: a folder with images/ and metadata.csv, or im2gps3k, yfcc4k, osv5m, gws15k by name",
        positional=True,
    )
    predictions: Path | None = option(
        None, help="in place of DATA: a system's answers, a CSV with IMG_ID, rank, LAT, LON (and prob)"
    )
    truth: Path | None = option(
        None, help="with --predictions: a CSV with IMG_ID, LAT, LON; AUTHOR and other columns make slices"
    )
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    top_k: int = option(TOP_K, help="candidates kept per photo", min=1, max=1000)
    vote_km: float | None = option(
        None,
        help="candidates about this near support one another (default: the model's)",
        min=0.01,
        unit="km",
    )
    gallery: Path | None = option(
        None, help="with --predictions: points for the baselines, a gallery or a table (default: the model's)"
    )
    against: Path | None = option(None, help="features a model was trained on: look for photos in both")
    thumbnails: int = option(
        2000, help="small pictures of photos kept in the run folder, the worst answers first", min=0
    )
    out: Path | None = option(None, help="run folder to write (default: a new one under runs/)")
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Score every photo, print the figures, keep every answer in the run folder."""
    from geotool.evaluation.hygiene import check_hygiene
    from geotool.evaluation.prediction_table import build_columns
    from geotool.evaluation.run import summarise, write_run

    _check_inputs(config)
    store = _load_store(config.against)
    scored = _score_predictions(config, report) if config.predictions else _score_model(config, report)
    columns = build_columns(scored)
    hygiene = check_hygiene(columns, store, report)
    columns |= hygiene.flags
    result = summarise(scored, columns, hygiene)
    folder = config.out or _new_folder(scored.system["name"])
    write_run(folder, scored, columns, result, dataclasses.asdict(config), config.thumbnails, report)
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
    if config.data and config.gallery:
        raise UsageError("--gallery goes with --predictions.", "A model is measured with its own gallery.")


def _load_store(folder: Path | None) -> FeatureStore | None:
    """Before anything takes long: a store that is not there is said at once."""
    from geotool.features.store import load_store

    return load_store(folder) if folder else None


def _score_model(config: Config, report: Report) -> Run:
    """Run a model on a data set."""
    from geotool.evaluation.run import locate_rows

    assert config.data is not None
    data, rows_expected = _find_data(config.data)
    rows, unusable = _read_rows(data, report)
    if rows_expected not in (None, len(rows) + len(unusable)):
        report.event("not the usual number of rows", listed=len(rows) + len(unusable), expected=rows_expected)
    engine = Engine.load(config.model, config.device, report)
    engine = dataclasses.replace(engine, vote_km=config.vote_km)
    scored = locate_rows(engine, rows, unusable, config.top_k, report)
    return dataclasses.replace(scored, labels=_read_labels_of(data))


def _find_data(data: Path) -> tuple[Path, int | None]:
    """The data set of that name with the rows that it should have, or else the one at that path.

    Raises NotFoundError with what is missing.
    """
    from geotool.evaluation.datasets import find_test_set, open_test_set

    test_set = find_test_set(data)
    return (open_test_set(test_set), test_set.rows) if test_set else (data, None)


def _read_rows(data: Path, report: Report) -> tuple[list[Row], list[ItemError]]:
    """The photos of a data set, and what cannot be used. Raises EmptyResultError where there are none."""
    found = read_dataset(data)
    rows = [row for row in found if not isinstance(row, ItemError)]
    unusable = [row for row in found if isinstance(row, ItemError)]
    if not rows:
        reason = unusable[0].message if unusable else "It lists no photos."
        raise EmptyResultError(f"{data} has no photo with coordinates.", reason)
    if unusable:
        report.event("photos that cannot be used", count=len(unusable), first=unusable[0].message)
    return rows, unusable


def _read_labels_of(data: Path) -> Labels:
    """What the table of a data set says beside coordinates, if it has a table."""
    from geotool.evaluation.labels import NO_LABELS, read_labels
    from geotool.photos.manifest_folders import TAR_SUFFIX
    from geotool.photos.manifest_tables import TABLE_NAME

    table = data / TABLE_NAME if data.is_dir() else data
    is_table = table.is_file() and not table.name.lower().endswith(TAR_SUFFIX)
    return read_labels(table) if is_table else NO_LABELS


def _score_predictions(config: Config, report: Report) -> Run:
    """Let the candidates of a table vote. A model named with it says how near they support one another."""
    from geotool.answer.answerer import Answerer
    from geotool.answer.vote import VOTE_KM
    from geotool.engine import load_calibration_of
    from geotool.evaluation.baselines import read_gallery_points
    from geotool.evaluation.labels import read_labels
    from geotool.evaluation.predictions import score_file
    from geotool.model.zoo import find_model

    assert config.predictions is not None and config.truth is not None
    model = find_model(config.model) if config.model else None
    answerer = Answerer(
        bandwidth_km=config.vote_km or (model.vote_km if model else 0) or VOTE_KM,
        calibration=load_calibration_of(model, report) if model and not config.vote_km else None,
    )
    scored = score_file(config.predictions, config.truth, answerer, config.top_k, report)
    points = read_gallery_points(config.gallery) if config.gallery else _find_gallery(model)
    return dataclasses.replace(scored, labels=read_labels(config.truth), gallery_deg=points)


def _find_gallery(model: ModelInfo | None) -> np.ndarray | None:
    """The points of a model's own gallery, where it is on disk."""
    from geotool.evaluation.baselines import read_gallery_points
    from geotool.model.zoo import gallery_file

    if model is None or not gallery_file(model).is_file():
        return None
    return read_gallery_points(gallery_file(model))


def _new_folder(name: str) -> Path:
    stamp = datetime.datetime.now().strftime("%Y%m%d-%H%M%S")
    return paths.home() / "runs" / f"{stamp}-evaluate-{name}"


def _to_table(result: dict[str, Any]) -> str:
    from geotool.evaluation.figure_table import to_table

    return "\n".join([to_table(result), "", *_coverage_lines(result["coverage"])])


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
