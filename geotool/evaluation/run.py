"""One evaluation: locate every photo of a data set, compare with its truth, keep every answer."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from geotool.core.artifacts import new_artifact, write_json
from geotool.core.errors import EmptyResultError
from geotool.core.geo import geodesic_km
from geotool.core.records import Candidate, ItemError, Prediction
from geotool.core.report import Report, stop_if_asked
from geotool.engine import Engine
from geotool.evaluation import metrics
from geotool.photos.manifest import Row

KIND, SCHEMA = "evaluation run", 1
RESULT_FILE, PREDICTIONS_FILE, ERRORS_FILE = "result.json", "predictions.csv", "errors.csv"


@dataclass(frozen=True, slots=True)
class Answer:
    """One row of a data set with what the model said about it."""

    row: Row
    result: Prediction | ItemError

    @property
    def error_km(self) -> float:
        """Distance from the final answer to the truth; infinite without an answer."""
        best = self.result.best if isinstance(self.result, Prediction) else None
        return geodesic_km(best, self.row.location) if best else math.inf

    @property
    def top1_error_km(self) -> float:
        """Distance from the plain first candidate to the truth; infinite without candidates."""
        first = self.candidates[0].location if self.candidates else None
        return geodesic_km(first, self.row.location) if first else math.inf

    @property
    def candidates(self) -> tuple[Candidate, ...]:
        return self.result.candidates if isinstance(self.result, Prediction) else ()


def locate_rows(engine: Engine, rows: list[Row], top_k: int, report: Report) -> list[Answer]:
    """Locate every row. Raises StoppedError if asked to, EmptyResultError if every photo failed."""
    answers: list[Answer] = []
    failed = 0
    for row in rows:
        stop_if_asked(report)
        answers.append(Answer(row, engine.locate_or_error(row.path, top_k=top_k)))
        failed += isinstance(answers[-1].result, ItemError)
        report.progress(len(answers), len(rows), failed, unit="photos")
    if failed == len(rows):
        raise EmptyResultError(
            "No photo of the data set could be located.", "The first reason: " + first_error(answers)
        )
    return answers


def first_error(answers: list[Answer]) -> str:
    """The message of the first failure, or nothing."""
    return next((a.result.message for a in answers if isinstance(a.result, ItemError)), "")


def summarise(answers: list[Answer], unusable: list[ItemError], engine: Engine) -> dict[str, Any]:
    """The document `evaluate --format json` prints. Rows without a usable truth are counted apart."""
    errors_km = np.array([answer.error_km for answer in answers])  # (N,)
    top1_km = np.array([answer.top1_error_km for answer in answers])  # (N,)
    predictions = [a.result for a in answers if isinstance(a.result, Prediction)]
    seconds = [prediction.timings_s["total"] for prediction in predictions]
    return {
        "n": len(answers),
        "failed": len(answers) - len(predictions),
        "unknown": sum(prediction.is_unknown for prediction in predictions),
        "rows_without_truth": len(unusable),
        "within_km": metrics.within_km(errors_km),
        "top1_within_km": metrics.within_km(top1_km),
        "median_km": metrics.median_km(errors_km),
        "mean_km": metrics.mean_km(errors_km),
        "intervals95": metrics.intervals95(errors_km),
        "coverage": None,
        "seconds_per_photo": round(float(np.mean(seconds)), 4) if seconds else None,
        "model": {"name": engine.stamp.name, "fingerprint": engine.stamp.fingerprint},
    }


def write_run(
    folder: Path,
    answers: list[Answer],
    unusable: list[ItemError],
    result: dict[str, Any],
    config: dict[str, Any],
) -> None:
    """Write the figures, every candidate of every photo, and every failure as one artefact."""
    with new_artifact(folder, KIND, SCHEMA, {"model": result["model"]["fingerprint"]}, config) as temporary:
        write_json(temporary / RESULT_FILE, result)
        columns = ["IMG_ID", "rank", "LAT", "LON", "cosine", "error_km"]
        _write_csv(temporary / PREDICTIONS_FILE, columns, _prediction_rows(answers))
        failures = [*unusable, *(a.result for a in answers if isinstance(a.result, ItemError))]
        lines = [[error.path, error.stage, error.message] for error in failures]
        _write_csv(temporary / ERRORS_FILE, ["path", "stage", "message"], lines)


def _prediction_rows(answers: list[Answer]) -> list[list[Any]]:
    return [
        [
            answer.row.id,
            candidate.rank,
            round(candidate.location.lat, 6),
            round(candidate.location.lon, 6),
            round(candidate.cosine, 6),
            round(geodesic_km(candidate.location, answer.row.location), 3),
        ]
        for answer in answers
        for candidate in answer.candidates
    ]


def _write_csv(path: Path, columns: list[str], rows: list[list[Any]]) -> None:
    with open(path, "w", newline="", encoding="utf-8", errors="backslashreplace") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)
