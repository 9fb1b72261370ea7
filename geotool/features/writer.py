"""Writing a feature store block by block, so that nothing but the block in hand is ever done twice.

Killed at any moment, the same calls go on and end with the same bytes: a block counts once its line is in
the journal, which is written after its features, and everything else is made from the two at the end.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from geotool.core.artifacts import (
    clear_replacement,
    fingerprint,
    folder_sha256s,
    read_meta,
    replace_folder,
    write_meta,
)
from geotool.core.durable import explained_disk_errors, flush_to_disk
from geotool.core.errors import EmptyResultError, MismatchError, UsageError
from geotool.core.report import Report, stop_if_asked
from geotool.features.appending import merge_failures, settings_after
from geotool.features.blocks import Block, check_block
from geotool.features.growth import Growth, open_growth
from geotool.features.journal import StoredRow, to_entry, to_text
from geotool.features.store import KIND, SCHEMA, FeatureStore, load_store, shard_paths
from geotool.features.tables import write_failures, write_rows
from geotool.features.unfinished import Settings, Unfinished, remove_left_over

SHARD_ROWS = 131_072  # rows of one file with features
_NOT_A_STORE = "Name a new folder with --out, or delete that one."
_OTHER_INPUTS = "Name another folder with --out, append to this one with --append, or delete it."


def find_finished(target: Path, inputs: dict[str, Any]) -> FeatureStore | None:
    """The store at `target`, if it was finished from these inputs.

    Raises UsageError where `target` is a file, NotFoundError or MismatchError where it is no store.
    """
    target = Path(target).resolve()
    if _find_inputs(target) != _as_stored(inputs):
        return None
    remove_left_over(target)
    return load_store(target)


def open_writer(
    target: Path,
    inputs: dict[str, Any],
    config: dict[str, Any],
    views: int,
    dim: int,
    report: Report,
    *,
    append: bool = False,
) -> StoreWriter:
    """Begin to write the store `target`, or go on with it if it was begun from equal `inputs`.

    `inputs` {model, preprocessing, views, data} decide what is the same work; `config` is told to people,
    and part of the bytes. With `append`, the rows of the store at `target`, if there is one, come first.

    Raises UsageError where another process writes it or `target` is a file; NotFoundError or MismatchError
    where `target` is no store, one of other inputs, or, with `append`, one of another model;
    GeotoolError where it cannot be written.
    """
    target = Path(target).resolve()
    _find_inputs(target)  # a folder of somebody else is left alone
    settings = Settings(inputs=_as_stored(inputs), views=views, dim=dim, shard_rows=SHARD_ROWS)
    with explained_disk_errors(target), contextlib.ExitStack() as on_failure:
        work = Unfinished(target)
        on_failure.callback(work.release)
        clear_replacement(target)
        base = _find_base(target, settings, append)
        if base is not None:
            settings = settings_after(base, settings)
        growth = open_growth(work, settings, base, report)
        on_failure.pop_all()
    return StoreWriter(target, work, growth, config, report)


class StoreWriter:
    """A store that is being written. Use it in `with`, so that the next writer can have it."""

    def __init__(
        self, target: Path, work: Unfinished, growth: Growth, config: dict[str, Any], report: Report
    ) -> None:
        self._target, self._work, self._growth = target, work, growth
        self._config, self._report = config, report

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @property
    def blocks_done(self) -> int:
        """Blocks that are on the disk: the caller leaves out their entries of the manifest."""
        return self._growth.blocks

    @property
    def rows(self) -> int:
        """Photos in the coming store so far."""
        return self._growth.rows

    @property
    def rows_before(self) -> int:
        """Those of them that are of the store appended to."""
        return self._growth.rows_before

    @property
    def failed(self) -> int:
        """Photos without a row so far; those of the store appended to are not counted."""
        return self._growth.failed

    def is_known(self, id: str) -> bool:
        """Whether the store appended to has this photo: then it has no place in a block."""
        return to_text(id) in self._growth.ids_before

    def append(self, block: Block) -> None:
        """Add the next block; it is on the disk when this returns. After a failure it can be tried again.

        Raises what `check_block` raises; UsageError for an id that the store has already;
        GeotoolError where the disk is full or the working folder is gone.
        """
        growth = self._growth
        check_block(block, growth.settings.views, growth.settings.dim)
        entry = to_entry(block)
        ids = [row.id for row in entry.rows]
        are_known = growth.ids.are_known(ids) | growth.ids_before.are_known(ids)
        if are_known.any():
            repeated = ids[int(are_known.argmax())]
            raise UsageError(f"Two photos have the id {repeated}.", "Give each photo an id of its own.")
        with explained_disk_errors(self._target):
            growth.add(entry, np.ascontiguousarray(block.features, "<f2").tobytes())

    def finish(self) -> None:
        """Make the artefact and put it in its place. Killed here, the next writer finishes it.

        Raises EmptyResultError, and forgets the blocks, where no photo could be used.
        """
        if not self.rows:
            self._refuse_empty()
        result, settings = self._work.result, self._growth.settings
        with explained_disk_errors(self._target):
            for rest in set(result.iterdir()) - set(shard_paths(result)):
                rest.unlink()  # a killed finish was here
            self._growth.shards.close(self.rows)
            write_rows(result, self._stored_rows(), self.rows)
            failures = merge_failures(self._growth.journal.entries(), settings.base_lines)
            self._write_meta(write_failures(result, failures))
            replace_folder(result, self._target)
            flush_to_disk(self._target.parent)
        self._work.remove()

    def close(self) -> None:
        """Let another writer go on."""
        self._work.release()

    def _stored_rows(self) -> Iterator[StoredRow]:
        done = 0
        for entry in self._growth.journal.entries():
            stop_if_asked(self._report)
            yield from entry.rows
            done += len(entry.rows)
            self._report.progress(done, self.rows, unit="rows listed")

    def _write_meta(self, failed: int) -> None:
        settings, result = self._growth.settings, self._work.result
        sha256s = folder_sha256s(result, self._report)
        about = {
            "rows": self.rows,
            "failed": failed,
            "views": settings.views,
            "dim": settings.dim,
            "shard_rows": settings.shard_rows,
            "files": sha256s,
        }
        content = fingerprint(list(sha256s.items()))
        config = {**self._config, **about}
        write_meta(result, KIND, SCHEMA, settings.inputs, config, content, created="")
        flush_to_disk(result)

    def _refuse_empty(self) -> None:
        failures = merge_failures(self._growth.journal.entries(), 0)
        self._work.remove()
        first = f" The first, {failures[0].path}: {failures[0].reason}" if failures else ""
        raise EmptyResultError(f"None of {len(failures)} photos could be used.{first}")


def _find_inputs(target: Path) -> dict[str, Any] | None:
    """What the store at `target` was made from; None where nothing is. Refuses anything that is no store."""
    if target.is_file():
        raise UsageError(f"{target} is a file.", "Name a folder with --out.")
    if not target.exists() or not any(target.iterdir()):
        return None
    return read_meta(target, KIND, SCHEMA, _NOT_A_STORE).inputs


def _find_base(target: Path, settings: Settings, append: bool) -> FeatureStore | None:
    """The store whose rows come first, if any. Refuses to replace one of other inputs."""
    inputs = _find_inputs(target)
    if inputs is None:
        return None
    if append:
        return load_store(target)
    if inputs != settings.inputs:
        other = [name for name, value in settings.inputs.items() if inputs.get(name) != value]
        raise MismatchError(f"{target} is a store of other {' and '.join(other)}.", _OTHER_INPUTS)
    return None


def _as_stored(inputs: dict[str, Any]) -> dict[str, Any]:
    """As JSON gives them back."""
    return json.loads(json.dumps(inputs, default=str))
