"""Appending to a finished store: its rows become the first of the new one, without doubling its files."""

from __future__ import annotations

import dataclasses
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path

from geotool.core.artifacts import check_inputs, folder_sha256s
from geotool.core.durable import flush_to_disk
from geotool.core.errors import MismatchError
from geotool.core.report import Report
from geotool.features.journal import Entry, StoredFailure, StoredRow
from geotool.features.store import FeatureStore, shard_paths
from geotool.features.tables import read_failures
from geotool.features.unfinished import Settings

_ROWS = 4096  # per line of the journal
_OTHER_MODEL = "Name another folder with --out, or take the model that the store was made with."


def settings_after(base: FeatureStore, settings: Settings) -> Settings:
    """The settings of a store that begins with the rows of `base`; its data is "OLD+NEW".

    Raises MismatchError where another model, preprocessing or views made it.
    """
    same = {name: value for name, value in settings.inputs.items() if name != "data"}
    shape = (base.views, base.dim)
    check_inputs(base.meta, base.folder, same, _OTHER_MODEL)
    if shape != (settings.views, settings.dim):
        wanted = (settings.views, settings.dim)
        raise MismatchError(f"{base.folder} holds (views, features) {shape}, not {wanted}.", _OTHER_MODEL)
    parts = [*str(base.meta.inputs.get("data")).split("+"), str(settings.inputs.get("data"))]
    return dataclasses.replace(
        settings,
        inputs={**settings.inputs, "data": "+".join(dict.fromkeys(parts))},
        shard_rows=base.meta.config["shard_rows"],
        base=base.meta.fingerprint,
        base_lines=-(-len(base) // _ROWS),
    )


def link_shards(base: FeatureStore, folder: Path, shard_rows: int, report: Report) -> None:
    """Put the files with features into another folder: full ones, which never change, as links.

    Raises MismatchError where the store is damaged.
    """
    if folder_sha256s(base.folder, report) != base.meta.config["files"]:
        remedy = f"See: python -m geotool features verify {base.folder}."
        raise MismatchError(f"The feature store in {base.folder} is damaged.", remedy)
    for path, shard in zip(shard_paths(base.folder), base.shards, strict=True):
        copy = folder / path.name
        if len(shard) < shard_rows or not _is_linked(path, copy):
            shutil.copyfile(path, copy)
        flush_to_disk(copy)
    flush_to_disk(folder)


def read_entries(base: FeatureStore) -> Iterator[Entry]:
    """The rows and failures of a store as a journal has them."""
    failures, first = read_failures(base.folder), 0
    for batch in base.batches(_ROWS):
        names = zip(*batch.to_pydict().values(), strict=True)
        places = base.latlon_deg[first : first + batch.num_rows].tolist()
        rows = [StoredRow(*name, *place) for name, place in zip(names, places, strict=True)]
        yield Entry(rows, failures)
        failures, first = [], first + batch.num_rows


def merge_failures(entries: Iterable[Entry], base_lines: int) -> list[StoredFailure]:
    """All failures; those of the store before are left out where their photo was tried again."""
    before: list[StoredFailure] = []
    since: list[StoredFailure] = []
    tried: set[str] = set()
    for line, entry in enumerate(entries):
        if line < base_lines:
            before += entry.failures
            continue
        since += entry.failures
        if before:
            tried |= {row.path for row in entry.rows} & {failure.path for failure in before}
    tried |= {failure.path for failure in since}
    return [failure for failure in before if failure.path not in tried] + since


def _is_linked(path: Path, copy: Path) -> bool:
    """False where the disk has no links."""
    try:
        os.link(path, copy)
    except OSError:
        return False
    return True
