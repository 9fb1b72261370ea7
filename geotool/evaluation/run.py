"""One evaluation: what a system said about photos with a known truth, its figures, and its folder.

Errors are great-circle distances on the mean sphere, as in the published figures of the field; those of
`locate` are geodesics on the ellipsoid. They differ by up to 0.6 %.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from geotool.core.artifacts import new_artifact, write_json
from geotool.core.errors import BadImageError, EmptyResultError
from geotool.core.geo import LatLon, haversine_km
from geotool.core.records import Candidate, Confidence, ItemError, PathLevel, Photo, Place, Prediction
from geotool.core.report import Report, stop_if_asked
from geotool.engine import Engine
from geotool.evaluation import metrics
from geotool.evaluation.coverage import list_recall, measure_coverage
from geotool.evaluation.hygiene import Hygiene
from geotool.evaluation.intervals import resample_by
from geotool.evaluation.labels import NO_LABELS, Labels
from geotool.evaluation.plots import write_plots
from geotool.evaluation.prediction_table import TABLE_FILE, Columns, find_groups, to_arrow
from geotool.evaluation.slices import measure_slices
from geotool.evaluation.thumbnails import write_thumbnails
from geotool.photos.manifest import Row

T = TypeVar("T")

KIND, SCHEMA = "evaluation run", 3
RESULT_FILE, ERRORS_FILE = "metrics.json", "errors.csv"
PREDICTIONS_FILE = "predictions.csv"  # the candidates of every photo
ANSWERS_FILE = "answers.csv"  # the final answer of every photo
# What the answer by vote is set beside, and the columns of their errors.
BASELINES = {"chance": "chance_km", "gallery_ceiling": "ceiling_km", "first_candidate": "first_error_km"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a system said about one photo. Without candidates it failed, or it said that it cannot tell."""

    id: str
    truth: LatLon
    candidates: tuple[Candidate, ...] = ()  # a system without cosines has NaN for them
    places: tuple[Place, ...] = ()
    confidence: Confidence | None = None
    failure: ItemError | None = None
    seconds: float | None = None
    path: tuple[PathLevel, ...] = ()
    photo: Photo | None = None  # where it was read
    row: Row | None = None  # in the data set, if there is one

    @property
    def error_km(self) -> float:
        """Distance from the final answer, the first place, to the truth; infinite without one."""
        return haversine_km(self.places[0].center, self.truth) if self.places else math.inf

    @property
    def top1_error_km(self) -> float:
        """Distance from the plain first candidate to the truth; infinite without candidates."""
        return haversine_km(self.candidates[0].location, self.truth) if self.candidates else math.inf

    @property
    def is_unknown(self) -> bool:
        return self.confidence is not None and self.confidence.level == "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """The answers of one system to one set of photos. `unusable` are inputs without a counterpart."""

    answers: list[Answer]
    unusable: list[ItemError]
    system: dict[str, str]  # name, fingerprint
    vote_km: float  # bandwidth of the vote behind the final answers
    inputs: dict[str, str]  # fingerprints by name, for the meta
    labels: Labels = NO_LABELS
    gallery_deg: np.ndarray | None = None  # (G, 2) that answers were, or could be, chosen from

    def author_of(self, answer: Answer) -> str | None:
        """Who took a photo, where the data set says so."""
        return (answer.row.author if answer.row else None) or self.labels.authors.get(answer.id)


def locate_rows(
    engine: Engine, rows: list[Row], unusable: list[ItemError], top_k: int, report: Report
) -> Run:
    """Locate every row. Raises StoppedError if asked to, EmptyResultError if every photo failed."""
    answers = answer_all(rows, lambda row: _ask_engine(engine, row, top_k), report)
    stamp = engine.stamp
    system = {"name": stamp.name, "fingerprint": stamp.fingerprint}
    inputs = {"model": stamp.fingerprint}
    return Run(
        answers=answers, unusable=unusable, system=system, vote_km=engine.bandwidth_km, inputs=inputs,
        gallery_deg=np.asarray(engine.gallery.latlon_deg, dtype=np.float64),
    )  # fmt: skip


def answer_all(items: list[T], answer: Callable[[T], Answer], report: Report) -> list[Answer]:
    """One answer per item, with progress. Raises StoppedError if asked to, EmptyResultError if all failed."""
    answers: list[Answer] = []
    failed = 0
    for item in items:
        stop_if_asked(report)
        answers.append(answer(item))
        failed += answers[-1].failure is not None
        report.progress(len(answers), len(items), failed, unit="photos")
    if failed == len(items):
        first = next((a.failure.message for a in answers if a.failure), "")
        raise EmptyResultError("No photo of the data set could be located.", f"The first reason: {first}")
    return answers


def _ask_engine(engine: Engine, row: Row, top_k: int) -> Answer:
    result = _locate_row(engine, row, top_k)
    if isinstance(result, ItemError):
        return Answer(id=row.id, truth=row.location, failure=result, row=row)
    return to_answer(result, row)


def _locate_row(engine: Engine, row: Row, top_k: int) -> Prediction | ItemError:
    """A photo in a tar is no file that the engine could open."""
    if row.member is None:
        return engine.locate_or_error(row.path, top_k=top_k)
    try:
        data = row.read_bytes()
    except BadImageError as error:
        return ItemError(path=row.shown, stage="read", message=str(error), exit_code=error.exit_code)
    return engine.locate_or_error(row.shown, top_k=top_k, data=data)


def to_answer(prediction: Prediction, row: Row) -> Answer:
    """A prediction beside the truth of its row."""
    return Answer(
        id=row.id, truth=row.location, candidates=prediction.candidates, places=prediction.places,
        confidence=prediction.confidence, seconds=prediction.timings_s["total"],
        path=prediction.search.path if prediction.search else (), photo=prediction.photo, row=row,
    )  # fmt: skip


def summarise(run: Run, columns: Columns, hygiene: Hygiene) -> dict[str, Any]:
    """The document `evaluate --format json` prints, from the table of a run (`prediction_table`).

    Rows without a usable truth are counted apart.
    """
    answers, confidences = run.answers, [answer.confidence for answer in run.answers]
    errors_km = np.asarray(columns["error_km"])  # (N,)
    resampling = resample_by(columns["author"])
    final = metrics.measure(errors_km, resampling)
    baselines = {
        name: metrics.measure_part(np.asarray(columns[column]), resampling) if column in columns else None
        for name, column in BASELINES.items()
    }
    seconds = [answer.seconds for answer in answers if answer.seconds is not None]
    return {
        "n": len(answers),
        "failed": sum(answer.failure is not None for answer in answers),
        "unknown": sum(answer.is_unknown for answer in answers),
        "rows_without_truth": len(run.unusable),
        **final,
        "top1_within_km": metrics.within_km(np.asarray(columns["first_error_km"])),
        "bootstrap": {
            "by": resampling.by, "groups": resampling.group_count, "resamples": resampling.resamples,
        },
        "coverage": measure_coverage(confidences, errors_km),
        "vote_km": run.vote_km,
        "seconds_per_photo": round(float(np.mean(seconds)), 4) if seconds else None,
        "model": run.system,
        "baselines": {**baselines, "vote": final},
        "recall_by_area": list_recall(confidences, errors_km),
        "hygiene": hygiene.report,
        "slices": measure_slices(find_groups(columns), errors_km, resampling),
    }  # fmt: skip


def write_run(
    folder: Path,
    run: Run,
    columns: Columns,
    result: dict[str, Any],
    config: dict[str, Any],
    most_thumbnails: int,
    report: Report,
) -> None:
    """Write the figures, every prediction, candidate, final answer and failure as one artefact.

    Raises StoppedError.
    """
    errors_km = np.asarray(columns["error_km"])
    with new_artifact(folder, KIND, SCHEMA, run.inputs, config) as temporary:
        write_json(temporary / RESULT_FILE, result)
        rows = [answer.row for answer in run.answers]
        thumbnails = write_thumbnails(temporary, rows, errors_km, most_thumbnails, report)
        _write_parquet(temporary / TABLE_FILE, {**columns, "thumbnail": thumbnails})
        names = ["IMG_ID", "rank", "LAT", "LON", "cosine", "error_km"]
        _write_csv(temporary / PREDICTIONS_FILE, names, _prediction_rows(run.answers))
        names = ["IMG_ID", "lat", "lon", "radius_km", "mass", "error_km"]
        _write_csv(temporary / ANSWERS_FILE, names, [_answer_row(answer) for answer in run.answers])
        failures = [*run.unusable, *(answer.failure for answer in run.answers if answer.failure)]
        lines = [[error.path, error.stage, error.message] for error in failures]
        _write_csv(temporary / ERRORS_FILE, ["path", "stage", "message"], lines)
        write_plots(temporary, [answer.confidence for answer in run.answers], errors_km)


def _write_parquet(path: Path, columns: Columns) -> None:
    from pyarrow import parquet

    parquet.write_table(to_arrow(columns), path, compression="zstd")


def _prediction_rows(answers: list[Answer]) -> list[list[Any]]:
    return [
        [
            answer.id,
            candidate.rank,
            round(candidate.location.lat, 6),
            round(candidate.location.lon, 6),
            "" if math.isnan(candidate.cosine) else round(candidate.cosine, 6),
            round(haversine_km(candidate.location, answer.truth), 3),
        ]
        for answer in answers
        for candidate in answer.candidates
    ]


def _answer_row(answer: Answer) -> list[Any]:
    """One row per photo; empty cells where it has no answer."""
    if not answer.places:
        return [answer.id, "", "", "", "", ""]
    best = answer.places[0]
    lat, lon = round(best.center.lat, 6), round(best.center.lon, 6)
    return [answer.id, lat, lon, round(best.radius_km, 3), round(best.mass, 6), round(answer.error_km, 3)]


def _write_csv(path: Path, columns: list[str], rows: list[list[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
