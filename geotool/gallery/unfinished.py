"""The folder of a gallery that is being built: it lies beside the gallery and says how far the work is."""

from __future__ import annotations

import dataclasses
import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from geotool.core.artifacts import unfinished_folder, write_json
from geotool.core.report import Report

STATE_FILE = "state.json"


@dataclass(slots=True)
class State:
    """How far the work is. What is not counted here is done again."""

    inputs: dict[str, Any]
    points: int = 0  # distinct; 0 until all are read
    rejected: int = 0
    duplicates_merged: int = 0
    has_tree: bool = False
    encoded: int = 0  # points in the buckets
    bucket_rows: list[int] = field(default_factory=list)
    sorted_buckets: int = 0


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A working folder and its state. `save` makes what was done since the last time count."""

    folder: Path
    state: State

    def save(self, **done: Any) -> None:
        for name, value in done.items():
            setattr(self.state, name, value)
        write_json(self.folder / STATE_FILE, dataclasses.asdict(self.state))

    def remove(self) -> None:
        shutil.rmtree(self.folder)


def open_unfinished(target: Path, inputs: dict[str, Any], report: Report) -> Unfinished:
    """The working folder of the gallery `target`; that of a stopped run if its inputs were the same."""
    folder = unfinished_folder(target)
    state = _read_state(folder)
    if state is not None:
        changed = [name for name in inputs if state.inputs.get(name) != inputs[name]]
        if not changed:
            report.event("going on where it was stopped", folder=folder)
            return Unfinished(folder, state)
        report.event("started anew", because=f"other {' and '.join(changed)}")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    fresh = Unfinished(folder, State(inputs))
    fresh.save()
    return fresh


def _read_state(folder: Path) -> State | None:
    """None where nothing was begun, or only just."""
    try:
        return State(**json.loads((folder / STATE_FILE).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None
