"""The door to the jobs of one home, for the window, the command line and Python.

Nothing is kept in memory: every answer is read from the disk, so any number of windows and shells may look at
and change the same jobs.
"""

from __future__ import annotations

import contextlib
import dataclasses
import re
import shlex
import shutil
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from geotool.core import paths
from geotool.core.durable import explained_disk_errors
from geotool.core.errors import NotFoundError, UsageError
from geotool.core.records import RunState
from geotool.jobs.device import device_of
from geotool.jobs.keeper import call_keeper, call_missing_keeper, mark_lost
from geotool.jobs.run_folder import RunFolder, size_bytes
from geotool.jobs.table import RunTable, explained_database_errors

GRACE_S = 20  # how long a job that was asked to stop may take to do so
LOG_LINES = 50
Settings = Mapping[str, Any] | Any  # a Config of a command, or its values with absolute paths


class Jobs:
    """Start, watch, stop and remove jobs. A job is a command of geotool with its settings."""

    def __init__(self, home: Path | None = None) -> None:
        self.home = (home or paths.home()).resolve()
        self._table = RunTable(self.home)

    def list(self, limit: int | None = None) -> list[RunState]:
        """What runs, then the queue in its order, then what has ended, the last first; `limit` of them."""
        self._look_after()
        return self._table.states(limit)

    def get(self, run_id: int) -> RunState:
        """One job. Raises NotFoundError."""
        self._look_after()
        return self._table.state(run_id)

    def start(self, command: str, config: Settings, after: int | None = None) -> RunState:
        """Put a command into the queue. With `after` it waits until that job is done."""
        return self.start_chain([(command, config)], after)[0]

    def start_chain(
        self, steps: Sequence[tuple[str, Settings]], after: int | None = None
    ) -> Sequence[RunState]:
        """Put commands into the queue of which each starts when the one before is done."""
        if after is not None:
            _check_goes_on(self.get(after))
        folder = self._table.folder
        with explained_disk_errors(folder), explained_database_errors(self._table.file):
            added = self._add(steps, after)
            call_keeper(self._table)
        return added

    def stop(self, run_id: int, grace_s: float = GRACE_S) -> None:
        """Take a job out of the queue, or ask it to stop and end it after the grace."""
        if self.get(run_id).is_over:
            raise UsageError(f"Job {run_id} is not running.", "There is nothing to stop.")
        self._table.ask_to_stop(run_id, grace_s)

    def resume(self, run_id: int) -> RunState:
        """Start a job that ended early again: it goes on where it was, and the steps behind it follow."""
        state = self.get(run_id)
        if state.status not in ("stopped", "failed", "lost"):
            raise UsageError(f"Job {run_id} is {state.status}.", "Only what ended early can be resumed.")
        with contextlib.suppress(NotFoundError):  # what was deleted is not waited for
            _check_goes_on(self._table.state(state.after or 0))
        self._table.queue_again(run_id)
        call_keeper(self._table)
        return self._table.state(run_id)

    def rerun(self, run_id: int, changes: Mapping[str, Any] | None = None) -> RunState:
        """Start a new job with the settings of this one, some of them changed."""
        return self.start(self._table.state(run_id).command, {**self.config(run_id), **(changes or {})})

    def move(self, run_id: int, position: int) -> None:
        """Make a queued job the first (1), second ... of those that wait."""
        if position < 1:
            raise UsageError(f"There is no position {position} in the queue.", "The first is 1.")
        self._table.state(run_id)
        self._table.move(run_id, position)
        call_keeper(self._table)

    def delete(self, run_id: int, with_unfinished: bool = False) -> int:
        """Forget a job that does not run; gives the bytes that became free on the disk.

        What it finished stays: that is the user's, not the job's. `with_unfinished` removes what it left
        half-built as well, so that it cannot be gone on with. Raises UsageError while it runs.
        """
        removable = self._removable(self.get(run_id), with_unfinished)
        freed_bytes = sum(map(size_bytes, removable))
        self._table.remove(run_id)
        for folder in removable:
            shutil.rmtree(folder, ignore_errors=True)
        return freed_bytes

    def size_bytes(self, run_id: int, with_unfinished: bool = False) -> int:
        """What `delete` would free."""
        return sum(map(size_bytes, self._removable(self._table.state(run_id), with_unfinished)))

    def config(self, run_id: int) -> dict[str, Any]:
        """The settings of a job."""
        return self._folder(run_id).read_config()

    def command_line(self, run_id: int) -> str:
        """What to type in a shell for the same result."""
        state = self._table.state(run_id)
        return shlex.join(RunFolder(state.folder).command_line(state.command, self.home))

    def log_tail(self, run_id: int, lines: int = LOG_LINES) -> str:
        """The last lines of what a job printed."""
        return self._folder(run_id).log_tail(lines)

    def log_since(self, run_id: int, since: int = 0) -> tuple[str, int]:
        """What a job printed behind that point (bytes), and the point to ask for next."""
        return self._folder(run_id).log_since(since)

    def events(self, run_id: int, since: int = 0) -> tuple[Sequence[dict[str, Any]], int]:
        """Events behind that point (bytes), each with `at`, `name`, `values`, and the point to ask for next.

        "started" comes with every start, "progress" now and then; the others are the command's own.
        """
        return self._folder(run_id).events_since(since)

    def _add(self, steps: Sequence[tuple[str, Settings]], after: int | None) -> Sequence[RunState]:
        """All of them or none; nobody takes one before its settings are written."""
        added: Sequence[RunState] = ()
        with self._table.change() as db:
            for command, config in steps:
                values = _to_values(config)
                before = added[-1].run_id if added else after
                state = self._table.add(db, _checked(command), _title(values), device_of(values), before)
                RunFolder(state.folder).write_config(values)
                added = (*added, state)
        return added

    def _look_after(self) -> None:
        """Make the table true, and see to it that the queue moves on. A full disk does not hinder reading."""
        with contextlib.suppress(sqlite3.OperationalError):
            if mark_lost(self._table):
                return call_keeper(self._table)
        call_missing_keeper(self._table)

    def _removable(self, state: RunState, with_unfinished: bool) -> Sequence[Path]:
        half_built = RunFolder(state.folder).unfinished() if with_unfinished else None
        return [state.folder, *([half_built] if half_built else [])]

    def _folder(self, run_id: int) -> RunFolder:
        return RunFolder(self._table.state(run_id).folder)


def _check_goes_on(before: RunState) -> None:
    """Nothing may wait for a job that ended early: it would wait for ever."""
    if before.is_over and before.status != "done":
        raise UsageError(
            f"Job {before.run_id}, the step before, is {before.status}.", "Resume that one first."
        )


def _checked(command: str) -> str:
    """It becomes a part of a folder's name and of a command line."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", command):
        raise UsageError(f"{command!r} is no command.", "List them: python -m geotool --help.")
    return command


def _to_values(config: Settings) -> dict[str, Any]:
    """Settings as plain values. Paths become absolute: a job runs in a folder of its own."""
    values = dict(config) if isinstance(config, Mapping) else dataclasses.asdict(config)
    return {name: _absolute(value) for name, value in values.items()}


def _absolute(value: Any) -> Any:
    if isinstance(value, (tuple, list)):
        return [_absolute(item) for item in value]
    return str(value.absolute()) if isinstance(value, Path) else value


def _title(values: Mapping[str, Any]) -> str:
    """What the job is to make, by name."""
    made = values.get("out") or values.get("folder")
    return Path(made).name if made else ""
