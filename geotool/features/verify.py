"""Checking a finished store: its bytes against the meta, and every value for what it may be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from geotool.core.artifacts import fingerprint, folder_sha256s, read_meta
from geotool.core.errors import MismatchError
from geotool.core.records import ArtifactMeta
from geotool.core.report import Report, stop_if_asked
from geotool.features.blocks import find_wrong_rows
from geotool.features.known_ids import KnownIds
from geotool.features.store import FAILURES_FILE, KIND, ROWS_FILE, SCHEMA, FeatureStore, load_store
from geotool.features.tables import read_failures

_ROWS = 4096  # looked at together
_SHA256 = re.compile("[0-9a-f]{64}")


class _Tally:
    """Counts the rows of each problem and keeps the first."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._first: dict[str, str] = {}

    def add(self, problem: str, row: str) -> None:
        self._counts[problem] += 1
        self._first.setdefault(problem, row)

    def sentences(self) -> Iterator[str]:
        for problem, count in self._counts.items():
            rows = "One row has" if count == 1 else f"{count:,} rows have"
            yield f"{rows} {problem}; the first is {self._first[problem]}."


def verify_store(folder: Path, report: Report) -> list[str]:
    """What is wrong with a store, one sentence each; nothing if it is sound.

    Reads its features twice. Raises NotFoundError or MismatchError where there is no meta of a store.
    """
    folder = Path(folder).resolve()
    meta = read_meta(folder, KIND, SCHEMA, "Make it with: python -m geotool precompute.")
    problems = list(_find_changed_files(folder, meta, report))
    try:
        store = load_store(folder)
    except MismatchError as error:
        return [*problems, error.message]
    checks = (_check_values, _check_names, _check_failures)
    return [*problems, *(problem for check in checks for problem in check(store, report))]


def _find_changed_files(folder: Path, meta: ArtifactMeta, report: Report) -> Iterator[str]:
    wanted, found = meta.config.get("files", {}), folder_sha256s(folder, report)
    yield from (f"{name} is missing." for name in wanted if name not in found)
    yield from (f"{name} does not belong to the store." for name in found if name not in wanted)
    yield from (f"{name} was changed." for name in wanted if found.get(name, wanted[name]) != wanted[name])
    if meta.fingerprint != fingerprint(list(wanted.items())):
        yield "meta.json was changed: its fingerprint is not that of the files it lists."


def _check_values(store: FeatureStore, report: Report) -> Iterator[str]:
    """Features and coordinates."""
    tally, first = _Tally(), 0
    for shard in store.shards:
        for start in range(0, len(shard), _ROWS):
            stop_if_asked(report)
            part = shard[start : start + _ROWS]
            places = store.latlon_deg[first : first + len(part)]
            for what, are_wrong in find_wrong_rows(part, places).items():
                for row in are_wrong.nonzero()[0].tolist():
                    tally.add(what, f"row {first + row}")
            first += len(part)
            report.progress(first, len(store), unit="rows checked")
    yield from tally.sentences()


def _check_names(store: FeatureStore, report: Report) -> Iterator[str]:
    """Every id once, a path and a digest for each."""
    tally, ids, count = _Tally(), KnownIds(), 0
    try:
        for batch in store.batches(_ROWS, ("id", "path", "sha256")):
            stop_if_asked(report)
            _check_batch(batch.to_pydict(), ids, count, tally)
            count += batch.num_rows
            report.progress(count, len(store), unit="names checked")
    except (OSError, ValueError, KeyError) as error:
        yield f"{ROWS_FILE} cannot be read: {str(error).splitlines()[0].rstrip('.')}."
        return
    yield from tally.sentences()
    if count != len(store):
        yield f"{ROWS_FILE} has {count:,} rows, but there are features of {len(store):,}."


def _check_batch(names: dict[str, list[str | None]], ids: KnownIds, first: int, tally: _Tally) -> None:
    own = [id or "" for id in names["id"]]
    for row, is_known in enumerate(ids.are_known(own).tolist()):
        shown = f"row {first + row} ({own[row]})"
        if not own[row] or not names["path"][row]:
            tally.add("no id or no path", shown)
        elif is_known:
            tally.add("an id that an earlier row has", shown)
        if not _SHA256.fullmatch(names["sha256"][row] or ""):
            tally.add("no sha256 of the photo", shown)
    ids.add(own)


def _check_failures(store: FeatureStore, report: Report) -> Iterator[str]:
    try:
        count = len(read_failures(store.folder))
    except (OSError, ValueError) as error:
        yield f"{FAILURES_FILE} cannot be read: {error}."
        return
    if count != store.meta.config.get("failed"):
        yield f"{FAILURES_FILE} lists {count:,} photos, but {store.meta.config.get('failed')} failed."
