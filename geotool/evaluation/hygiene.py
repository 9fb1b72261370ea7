"""Can the figures be trusted? Photos of a test that a model was perhaps trained on, or that are none.

Content is compared by the sha256 of the files, so a picture that was encoded anew goes unnoticed.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from geotool.core.report import Report, stop_if_asked
from geotool.evaluation.prediction_table import Columns

if TYPE_CHECKING:
    from geotool.features.store import FeatureStore

PLACEHOLDER_TIMES = 5  # as often as that, one content is no photo but what a server sends for a lost one
SHOWN = 5  # examples in the summary; the run's table has all
_DECIMALS = 6  # of equal coordinates, a tenth of a metre
_BATCH_ROWS = 65_536

Keys = Sequence[Any]  # (N,) what two photos have in common, None where that is not known


@dataclass(frozen=True, slots=True, kw_only=True)
class Hygiene:
    """`flags` (N,) by the name of a check, what each found in figures and examples, and what was compared."""

    flags: dict[str, np.ndarray]
    report: dict[str, Any]


def check_hygiene(columns: Columns, store: FeatureStore | None, report: Report) -> Hygiene:
    """Look for doubtful photos among the N of a run, and for those that a feature store has as well.

    A check is left out where nothing is known to compare: answers of other systems come without photos.
    Raises StoppedError.
    """
    keys = _find_keys(columns)
    known = {name: values for name, values in keys.items() if any(value is not None for value in values)}
    examples: dict[str, dict[int, str]] = {}
    for name, values in known.items():
        examples[f"is_same_{name}"] = _find_repeats(values, columns["id"])
    if "content" in known:
        examples["is_placeholder"] = _find_placeholders(known["content"])
    if store is not None:
        examples |= _find_leaks(known, store, report)
    flags = {name: _to_flags(found, len(columns["id"])) for name, found in examples.items()}
    return Hygiene(flags=flags, report=_to_report(examples, columns["id"], store))


def _find_keys(columns: Columns) -> dict[str, Keys]:
    pairs = zip(np.asarray(columns["truth_lat"]), np.asarray(columns["truth_lon"]), strict=True)
    locations = [_to_location_key(lat, lon) for lat, lon in pairs]
    return {"content": columns["sha256"], "author": columns["author"], "location": locations}


def _to_location_key(lat: float, lon: float) -> tuple[float, float]:
    return round(float(lat), _DECIMALS), round(float(lon), _DECIMALS)


def _find_repeats(values: Keys, ids: Sequence[Any] | np.ndarray) -> dict[int, str]:
    """Rows that have what an earlier row has, and that row's id."""
    first: dict[Any, int] = {}
    repeats: dict[int, str] = {}
    for row, value in enumerate(values):
        if value is not None and first.setdefault(value, row) != row:
            repeats[row] = ids[first[value]]
    return repeats


def _find_placeholders(contents: Keys) -> dict[int, str]:
    times = Counter(content for content in contents if content is not None)
    return {
        row: f"one of {times[content]} files of the same content"
        for row, content in enumerate(contents)
        if times[content] >= PLACEHOLDER_TIMES
    }


def _find_leaks(keys: dict[str, Keys], store: FeatureStore, report: Report) -> dict[str, dict[int, str]]:
    """Rows that the store has as well: by content, author, coordinates; and the id of one there."""
    wanted = {name: set(values) - {None} for name, values in keys.items()}
    found: dict[str, dict[Any, str]] = {name: {} for name in keys}
    done = 0
    for batch in _read_batches(store):
        stop_if_asked(report)
        for name in keys:
            for i, value in enumerate(batch[name]):
                if value in wanted[name]:
                    found[name].setdefault(value, batch["id"][i])
        done += len(batch["id"])
        report.progress(done, len(store), unit="training rows")
    return {
        f"leak_{name}": {row: found[name][value] for row, value in enumerate(values) if value in found[name]}
        for name, values in keys.items()
    }


def _read_batches(store: FeatureStore) -> Iterator[dict[str, Keys]]:
    start = 0
    for batch in store.batches(_BATCH_ROWS, ("id", "sha256", "author")):
        part = slice(start, start + batch.num_rows)
        names: dict[str, Callable[[], Keys]] = {
            name: batch.column(name).to_pylist for name in ("id", "author")
        }
        locations = [_to_location_key(lat, lon) for lat, lon in store.latlon_deg[part]]
        yield {
            **{name: read() for name, read in names.items()},
            "content": batch.column("sha256").to_pylist(),
            "location": locations,
        }
        start = part.stop


def _to_flags(found: dict[int, str], n: int) -> np.ndarray:
    flags = np.zeros(n, dtype=bool)
    flags[list(found)] = True
    return flags


def _to_report(
    examples: dict[str, dict[int, str]], ids: Sequence[Any] | np.ndarray, store: FeatureStore | None
) -> dict[str, Any]:
    """How many photos each check found, and the first of them."""
    against = None
    if store is not None:
        against = {"store": store.folder.name, "fingerprint": store.meta.fingerprint, "rows": len(store)}
    return {
        "against": against,
        **{
            name: {
                "photos": len(found),
                "percent": round(100 * len(found) / len(ids), 2),
                "examples": [[ids[row], other] for row, other in list(found.items())[:SHOWN]],
            }
            for name, found in examples.items()
        },
    }
