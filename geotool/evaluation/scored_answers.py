"""A written run as calibration wants it: candidates, answers and errors, photos of one author together."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from geotool.answer.features import FIRST
from geotool.answer.fit_calibration import Scored
from geotool.core.csv_rows import PHOTO_COLUMNS, read_csv_rows
from geotool.core.errors import EmptyResultError, MismatchError, NotFoundError, UsageError
from geotool.evaluation.predictions import Guess, read_guesses
from geotool.evaluation.run import ANSWERS_FILE, PREDICTIONS_FILE

_GROUP_COLUMN = {"group": ("author", "group")}


def read_scored(run: Path, groups: Path | None = None) -> Scored:
    """The answers of a run folder. Photos without an answer are left out: they get no radius.

    `groups` is a table with IMG_ID and AUTHOR (or GROUP); without it each photo is its own group.
    Raises NotFoundError, MismatchError (damaged run), UsageError (too few candidates, photo without a
    group), EmptyResultError.
    """
    answers = _read_answers(run / ANSWERS_FILE)
    if not answers:
        raise EmptyResultError(
            f"No photo of {run} has an answer.", "Evaluate a model on photos that it knows."
        )
    guesses, names = read_guesses(run / PREDICTIONS_FILE), list(answers)
    table = np.array([answers[name] for name in names])  # (N, 3) lat, lon, error
    return Scored(
        first_deg=np.array([_find_first(name, guesses.get(name, [])) for name in names]),
        answer_deg=table[:, :2],
        error_km=table[:, 2],
        groups=np.array(names if groups is None else _find_groups(names, groups)),
    )


def _read_answers(table: Path) -> dict[str, tuple[float, float, float]]:
    """Latitude, longitude and error of each photo with an answer."""
    try:
        with table.open(encoding="utf-8", newline="") as file:
            rows = [row for row in csv.DictReader(file) if row["error_km"]]
        return {row["IMG_ID"]: (float(row["lat"]), float(row["lon"]), float(row["error_km"])) for row in rows}
    except OSError as error:
        raise NotFoundError(
            f"There is no {table}.", "Make a run: python -m geotool evaluate DATA."
        ) from error
    except (ValueError, KeyError, TypeError, csv.Error) as error:
        raise MismatchError(f"{table} is damaged.", "Evaluate again.") from error


def _find_first(name: str, guesses: list[Guess]) -> list[tuple[float, float]]:
    """The first candidates of one photo, (5, 2) degrees."""
    if len(guesses) < FIRST:
        raise UsageError(
            f"{name} has {len(guesses)} candidates, and calibration looks at the first {FIRST}.",
            f"Evaluate with --top-k {FIRST} or more.",
        )
    return [(guess.location.lat, guess.location.lon) for guess in guesses[:FIRST]]


def _find_groups(names: list[str], table: Path) -> list[str]:
    if not table.is_file():
        raise NotFoundError(f"There is no table {table}.", "Name a CSV file with IMG_ID and AUTHOR.")
    columns = {"IMG_ID": PHOTO_COLUMNS["IMG_ID"], **_GROUP_COLUMN}
    groups = {row.values["IMG_ID"]: row.values["group"] for row in read_csv_rows(table, columns)}
    missing = [name for name in names if not groups.get(name)]
    if missing:
        raise UsageError(f"{table} has no group for {missing[0]}.", "List every photo of the run.")
    return [groups[name] for name in names]
