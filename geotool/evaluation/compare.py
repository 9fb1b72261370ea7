"""Two runs over the same photos: what one gains over the other, and on which photos.

Differences are paired: both errors of a photo are drawn together, photos of one author with each other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from geotool.core.artifacts import read_meta
from geotool.core.errors import EmptyResultError, MismatchError
from geotool.core.geo import THRESHOLDS_KM
from geotool.core.sphere import haversine_km
from geotool.evaluation.intervals import Resampling, resample_by, to_intervals
from geotool.evaluation.metrics import REPORTED_KM, median_km, to_hits, to_scores, within_km
from geotool.evaluation.prediction_table import find_groups, read_table
from geotool.evaluation.run import KIND, SCHEMA
from geotool.evaluation.slices import NOT_SAID

if TYPE_CHECKING:
    import pyarrow

_SAME_KM = 0.01  # of two truths of one photo: what rounding makes
_REMEDY = "Evaluate both on the same data set."
_PHOTO_COLUMNS = ("id", "path", "truth_lat", "truth_lon", "answer_lat", "answer_lon", "error_km")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pairing:
    """Photos that two runs have in common, in the order of the first: row i of one is row i of all.

    `a` and `b` are their tables, `errors_km` (N, 2) their errors, infinite without an answer.
    """

    a: pyarrow.Table
    b: pyarrow.Table
    errors_km: np.ndarray
    only_a: int
    only_b: int


def load_pairing(run_a: Path, run_b: Path) -> Pairing:
    """Match two run folders by the ids of their photos.

    Raises NotFoundError, MismatchError (damaged, or other truths), EmptyResultError (no photo in common).
    """
    a, b = (_load_table(run) for run in (run_a, run_b))
    ids_a, ids_b = (table["id"].to_pylist() for table in (a, b))
    places = {photo: row for row, photo in enumerate(ids_b)}
    rows_a = [row for row, photo in enumerate(ids_a) if photo in places]
    if not rows_a:
        raise EmptyResultError(f"{run_a} and {run_b} have no photo in common.", _REMEDY)
    matched_a, matched_b = a.take(rows_a), b.take([places[ids_a[row]] for row in rows_a])
    _check_truths(matched_a, matched_b)
    errors_km = np.stack([_to_errors(matched_a), _to_errors(matched_b)], axis=1)
    return Pairing(
        a=matched_a, b=matched_b, errors_km=errors_km,
        only_a=len(ids_a) - len(rows_a), only_b=len(ids_b) - len(rows_a),
    )  # fmt: skip


def compare(pairing: Pairing, most: int) -> dict[str, Any]:
    """The document `compare --format json` prints: B less A in all and by slice, wins and losses of B.

    A win is a photo whose answer comes within a threshold of the field that A's misses; at most `most` of
    each are listed, the largest gains first.
    """
    resampling = resample_by(pairing.a["author"].to_pylist())
    wins, losses = find_wins(pairing.errors_km), find_wins(pairing.errors_km[:, ::-1])
    groups = find_groups({name: pairing.a[name].to_pylist() for name in pairing.a.column_names})
    return {
        "n": len(pairing.errors_km),
        "only_in_a": pairing.only_a,
        "only_in_b": pairing.only_b,
        "failed": dict(zip("ab", np.isinf(pairing.errors_km).sum(axis=0).tolist(), strict=True)),
        "bootstrap": {
            "by": resampling.by, "groups": resampling.group_count, "resamples": resampling.resamples,
        },
        **_measure_both(pairing.errors_km, resampling),
        "wins": len(wins),
        "losses": len(losses),
        "largest_wins": _list_photos(pairing, wins[:most]),
        "largest_losses": _list_photos(pairing, losses[:most]),
        "slices": {
            name: _compare_groups(values, pairing.errors_km, resampling) for name, values in groups.items()
        },
    }  # fmt: skip


def find_wins(errors_km: np.ndarray) -> np.ndarray:
    """Rows of (N, 2) errors of A and B where B comes within a threshold that A misses, by GeoScore gained."""
    bands = np.searchsorted(np.array(THRESHOLDS_KM, dtype=float), errors_km)  # (N, 2) 0 within the nearest
    won = np.flatnonzero(bands[:, 1] < bands[:, 0])
    gained = to_scores(errors_km[won, 1]) - to_scores(errors_km[won, 0])
    return won[np.argsort(-gained, kind="stable")]


def _load_table(run: Path) -> pyarrow.Table:
    read_meta(run, KIND, SCHEMA, "Make a run: python -m geotool evaluate DATA.")
    return read_table(run)


def _check_truths(a: pyarrow.Table, b: pyarrow.Table) -> None:
    truths = [
        np.stack([table[name].to_numpy() for name in ("truth_lat", "truth_lon")], axis=1) for table in (a, b)
    ]
    apart_km = haversine_km(*truths)
    if apart_km.max() > _SAME_KM:
        worst = int(apart_km.argmax())
        raise MismatchError(
            f"The runs have other truths: those of {a['id'][worst]} are {apart_km[worst]:.3g} km apart.",
            _REMEDY,
        )


def _to_errors(table: pyarrow.Table) -> np.ndarray:
    import pyarrow.compute as pc

    return pc.fill_null(table["error_km"], float("inf")).to_numpy()


def _measure_both(errors_km: np.ndarray, resampling: Resampling) -> dict[str, Any]:
    """Figures of A and B, and B less A with 95 % intervals."""
    hits = to_hits(errors_km[:, 1]) - to_hits(errors_km[:, 0])  # (N, M)
    scores = to_scores(errors_km)  # (N, 2)
    gains = np.column_stack([hits, scores[:, 1] - scores[:, 0]])
    ends = to_intervals(resampling.find_means(gains)).round(2)  # (2, M + 1)
    medians = np.stack([resampling.find_medians(errors) for errors in errors_km.T])  # (2, R)
    means = gains.mean(axis=0).round(2).tolist()
    return {
        **{
            name: _measure_one(errors, score)
            for name, errors, score in zip("ab", errors_km.T, scores.T, strict=True)
        },
        "difference": {
            "within_km": dict(zip(map(str, REPORTED_KM), means, strict=False)),
            "intervals95": dict(zip(map(str, REPORTED_KM), ends.T.tolist(), strict=False)),
            "geoscore": means[-1],
            "geoscore_interval95": ends[:, -1].tolist(),
            **_compare_medians(errors_km, medians),
        },
    }


def _measure_one(errors_km: np.ndarray, scores: np.ndarray) -> dict[str, Any]:
    return {
        "within_km": within_km(errors_km),
        "median_km": median_km(errors_km),
        "geoscore": round(float(scores.mean()), 1),
    }


def _compare_medians(errors_km: np.ndarray, medians: np.ndarray) -> dict[str, Any]:
    """B's median less A's, and its interval; None where one of them, or a resample, has no median."""
    both, interval = np.median(errors_km, axis=0), None
    if np.isfinite(medians).all():
        interval = to_intervals(medians[1] - medians[0]).round(3).tolist()
    gain = round(float(both[1] - both[0]), 3) if np.isfinite(both).all() else None
    return {"median_km": gain, "median_interval95": interval}


def _compare_groups(
    values: Sequence[str | None], errors_km: np.ndarray, resampling: Resampling
) -> list[dict[str, Any]]:
    names, group = np.unique(np.array([value or NOT_SAID for value in values]), return_inverse=True)
    rows = [np.flatnonzero(group == i) for i in range(len(names))]
    order = np.argsort([-len(each) for each in rows], kind="stable")
    return [
        {
            "value": str(names[i]),
            "n": len(rows[i]),
            **_measure_both(errors_km[rows[i]], resampling.select(rows[i])),
        }
        for i in order
    ]


def _list_photos(pairing: Pairing, rows: np.ndarray) -> list[dict[str, Any]]:
    """Truth, both answers and both errors of some photos; None for an answer that there is not."""
    both = [table.select(_PHOTO_COLUMNS).take(rows).to_pylist() for table in (pairing.a, pairing.b)]
    return [
        {
            "id": a["id"],
            "path": a["path"],
            "truth": _to_point(a, "truth"),
            "a": {"answer": _to_point(a, "answer"), "error_km": a["error_km"]},
            "b": {"answer": _to_point(b, "answer"), "error_km": b["error_km"]},
        }
        for a, b in zip(*both, strict=True)
    ]


def _to_point(photo: dict[str, Any], role: str) -> dict[str, float] | None:
    lat, lon = photo[f"{role}_lat"], photo[f"{role}_lon"]
    return None if lat is None else {"lat": lat, "lon": lon}
