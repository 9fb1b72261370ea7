"""The answers of any system, from a table of its candidates, beside a table of the truth."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from geotool.answer.answerer import Answerer
from geotool.answer.places import find_places, to_place
from geotool.answer.vote import to_rank_weights
from geotool.core.artifacts import file_sha256
from geotool.core.csv_rows import PHOTO_COLUMNS, CsvRow, read_csv_rows
from geotool.core.errors import BadImageError, EmptyResultError, NotFoundError, UsageError
from geotool.core.geo import LatLon
from geotool.core.records import Candidate, ItemError
from geotool.core.report import Report
from geotool.evaluation.axis_order import refuse_swapped
from geotool.evaluation.run import Answer, Run, answer_all
from geotool.gallery.explain import CANDIDATES

COLUMNS = {**PHOTO_COLUMNS, "rank": ("rank",)}
WEIGHT_COLUMNS = {"prob": ("prob",)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Guess:
    """One candidate of a system that is not ours. `weight` is its own share, where it tells one."""

    rank: int  # from 1
    location: LatLon
    weight: float | None


def score_file(predictions: Path, truth: Path, answerer: Answerer, top_k: int, report: Report) -> Run:
    """The candidates in one table, voting, against the truths in another.

    A photo of `truth` that `predictions` lacks has failed; one that `truth` lacks is counted as
    unusable. Raises NotFoundError (no such file), UsageError (a row that cannot be read, with its
    line), EmptyResultError where the two have no photo in common.
    """
    truths, guesses = read_truth(truth), read_guesses(predictions)
    if not truths.keys() & guesses.keys():
        raise EmptyResultError(
            f"No photo of {truth} is in {predictions}.", "Write the same IMG_ID in both, with the extension."
        )
    _check_axes(guesses, truths, predictions.name)
    strangers = [
        ItemError(path=name, stage="read", message=f"{truth.name} does not say where it was taken.")
        for name in guesses.keys() - truths.keys()
    ]
    missing = f"{predictions.name} has no answer for it."
    answers = answer_all(
        list(truths.items()),
        lambda item: _answer(*item, guesses.get(item[0], []), answerer, top_k, missing),
        report,
    )
    inputs = {"predictions": file_sha256(predictions)[:16], "truth": file_sha256(truth)[:16]}
    system = {"name": predictions.name, "fingerprint": inputs["predictions"]}
    strangers.sort(key=lambda error: error.path)
    return Run(
        answers=answers, unusable=strangers, system=system, vote_km=answerer.bandwidth_km, inputs=inputs
    )


def _check_axes(guesses: Mapping[str, list[Guess]], truths: Mapping[str, LatLon], name: str) -> None:
    pairs = [(guesses[photo][0].location, truths[photo]) for photo in guesses.keys() & truths.keys()]
    degrees = np.array([(guess.lat, guess.lon, truth.lat, truth.lon) for guess, truth in pairs])
    refuse_swapped(degrees[:, :2], degrees[:, 2:], name)


def read_truth(table: Path) -> dict[str, LatLon]:
    """Where each photo was taken. Columns IMG_ID, LAT, LON. Raises NotFoundError, UsageError."""
    truths: dict[str, LatLon] = {}
    for row in _read_rows(table, PHOTO_COLUMNS):
        name = _photo(row, table)
        if name in truths:
            raise _refuse(row, table, f"{name} is listed twice", "Keep one of the two lines.")
        truths[name] = _location(row, table)
    return truths


def read_guesses(table: Path) -> dict[str, list[Guess]]:
    """Each photo's candidates by rank. Columns IMG_ID, rank, LAT, LON, and prob where there is one.

    Raises NotFoundError, UsageError.
    """
    photos: dict[str, dict[int, Guess]] = {}
    for row in _read_rows(table, COLUMNS):
        guesses = photos.setdefault(_photo(row, table), {})
        guess = Guess(rank=_rank(row, table), location=_location(row, table), weight=_weight(row, table))
        if guess.rank in guesses:
            raise _refuse(row, table, f"rank {guess.rank} is given twice", "Give every candidate its rank.")
        guesses[guess.rank] = guess
    return {name: [guesses[rank] for rank in sorted(guesses)] for name, guesses in photos.items()}


def to_weights(guesses: list[Guess]) -> np.ndarray:
    """(K,) weights for the vote: the system's own shares if all have one, else by rank."""
    weights = np.array([math.nan if guess.weight is None else guess.weight for guess in guesses])
    if np.isfinite(weights).all() and weights.any():
        return weights
    return to_rank_weights(np.array([guess.rank for guess in guesses]))


def _answer(
    name: str, truth: LatLon, guesses: list[Guess], answerer: Answerer, top_k: int, missing: str
) -> Answer:
    if not guesses:
        return Answer(id=name, truth=truth, failure=ItemError(path=name, stage="answer", message=missing))
    voters = guesses[:CANDIDATES]
    latlon_deg = np.array([(guess.location.lat, guess.location.lon) for guess in voters])  # (K, 2)
    candidates = tuple(
        Candidate(rank=guess.rank, location=guess.location, cosine=math.nan, gallery_row=-1, source="file")
        for guess in guesses[:top_k]
    )
    found = find_places(latlon_deg, to_weights(voters), answerer.bandwidth_km)
    places = tuple(to_place(place, candidates) for place in found)  # nobody reads their names
    confidence = answerer.judge(latlon_deg)
    return Answer(id=name, truth=truth, candidates=candidates, places=places, confidence=confidence)


def _read_rows(table: Path, columns: Mapping[str, tuple[str, ...]]) -> list[CsvRow]:
    if not table.is_file():
        raise NotFoundError(f"There is no table {table}.", "Name a CSV file.")
    rows = list(read_csv_rows(table, columns, WEIGHT_COLUMNS))
    if not rows:
        raise EmptyResultError(f"{table} has no rows.", "Write one line per photo and rank.")
    return rows


def _photo(row: CsvRow, table: Path) -> str:
    name = row.values["IMG_ID"]
    if not name:
        raise _refuse(row, table, "it names no photo", "Fill in IMG_ID.")
    return name


def _location(row: CsvRow, table: Path) -> LatLon:
    try:
        return row.location()
    except (BadImageError, UsageError) as error:
        raise UsageError(f"{table}: {error.message}", error.hint) from error


def _rank(row: CsvRow, table: Path) -> int:
    try:
        rank = row.number("rank")
    except ValueError:
        rank = math.nan
    if not (rank >= 1 and rank.is_integer()):
        found = row.values["rank"]
        raise _refuse(row, table, f"its rank is {found!r}", "Ranks are whole numbers from 1, the best first.")
    return int(rank)


def _weight(row: CsvRow, table: Path) -> float | None:
    if not row.values.get("prob"):
        return None
    try:
        weight = row.number("prob")
    except ValueError:
        weight = math.nan
    if not 0 <= weight < math.inf:
        found = row.values["prob"]
        raise _refuse(row, table, f"its prob is {found!r}", "Give a number of at least 0, or no column prob.")
    return weight


def _refuse(row: CsvRow, table: Path, reason: str, remedy: str) -> UsageError:
    return UsageError(f"{table}: line {row.line} cannot be used: {reason}.", remedy)
