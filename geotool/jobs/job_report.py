"""What a command says while it runs as a job: progress into the table, events as lines of JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import sys
import threading
import time
import traceback
from collections import deque
from types import TracebackType
from typing import Any

from geotool.core import paths
from geotool.core.durable import explained_disk_errors
from geotool.core.errors import GeotoolError, StoppedError
from geotool.core.records import RunProgress
from geotool.core.report import event_line
from geotool.jobs.processes import end_family
from geotool.jobs.run_folder import RunFolder
from geotool.jobs.table import RunTable

_PROGRESS_EVERY_S = 0.5
_RATE_OVER = 60  # notes of progress: the rate is that of the last half minute
_EVENTS_PER_DOUBLING = 500  # of the run's length: a day of progress leaves some thousand lines


class JobReport:
    """The Report of a job's own process; a context that notes why the command failed."""

    def __init__(self, table: RunTable, run_id: int) -> None:
        self.stop_requested = False
        self._table, self._run_id = table, run_id
        self._folder = RunFolder(table.state(run_id).folder)
        self._latest: RunProgress | None = None
        self._noted: deque[tuple[float, int]] = deque(maxlen=_RATE_OVER)
        self._began = self._told = time.monotonic()
        self._has_spoken = False

    @classmethod
    def from_environment(cls) -> JobReport:
        """The report of the job that this process is; processes started by it are not the job."""
        return cls(RunTable(paths.home()), int(os.environ.pop(paths.JOB_VARIABLE)))

    def __enter__(self) -> JobReport:
        threading.Thread(target=self._listen, args=(_take_standard_input(),), daemon=True).start()
        return self

    def __exit__(self, _: Any, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, GeotoolError):
            self._table.set_error(self._run_id, error.message, error.hint)
        elif isinstance(error, Exception):
            message = f"Unexpected failure: {type(error).__name__}: {error}."
            self._table.set_error(self._run_id, message, "The log says where. Please report it.")
        if error:
            with contextlib.suppress(OSError):  # of a full disk, which is what is to be told
                traceback.print_exception(error)
        if self._latest:
            self._table.set_progress(self._run_id, self._latest)

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        now, before = time.monotonic(), self._latest
        if before is None or (before.total, before.unit) != (total, unit) or done < before.done:
            self._noted.clear()  # another stage; its rate counts from here, as after a resumed start
        elif now - self._noted[-1][0] < _PROGRESS_EVERY_S:
            self._latest = RunProgress(
                done=done, total=total, failed=failed, unit=unit,
                rate_per_s=before.rate_per_s, left_s=before.left_s,
            )  # fmt: skip
            return
        self._noted.append((now, done))
        self._note(self._measured(done, total, failed, unit))

    def event(self, name: str, **values: Any) -> None:
        print(event_line(name, values), file=sys.stderr)
        self._write_event(name, values)

    def _note(self, now: RunProgress) -> None:
        """Into the table for those who look now, among the events for the curve of the whole run."""
        self._latest = now
        self._table.set_progress(self._run_id, now)
        clock = time.monotonic()
        if clock - self._told >= max(1, (clock - self._began) / _EVENTS_PER_DOUBLING):
            self._told = clock
            self._write_event("progress", dataclasses.asdict(now))

    def _measured(self, done: int, total: int | None, failed: int, unit: str) -> RunProgress:
        """Progress with the rate since the oldest note that is kept."""
        (since, before), (now, _) = self._noted[0], self._noted[-1]
        rate = (done - before) / (now - since) if now > since else None
        left_s = (total - done) / rate if rate and total is not None else None
        return RunProgress(done=done, total=total, failed=failed, unit=unit, rate_per_s=rate, left_s=left_s)

    def _write_event(self, name: str, values: dict[str, Any]) -> None:
        lines = [_to_line(name, values)]
        if not self._has_spoken:  # the last line of an earlier start may be torn
            lines = ["", _to_line("started", {"pid": os.getpid()}), *lines]
        with (
            explained_disk_errors(self._folder.path),
            open(self._folder.events, "a", encoding="utf-8") as file,
        ):
            file.write("\n".join(lines) + "\n")
        self._has_spoken = True

    def _listen(self, lifeline: int) -> None:
        """The keeper holds the other end: a line asks to stop, and its death ends this job and its family."""
        while os.read(lifeline, 64):
            self.stop_requested = True
        end_family(self._folder.path)
        os._exit(StoppedError.exit_code)


def _take_standard_input() -> int:
    """The pipe from the keeper, out of reach of the processes that this one starts."""
    lifeline = os.dup(0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    return lifeline


def _to_line(name: str, values: dict[str, Any]) -> str:
    event = {"at": round(time.time(), 3), "name": name, "values": values}
    return json.dumps(event, default=lambda value: value.item() if hasattr(value, "item") else str(value))
