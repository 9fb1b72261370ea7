"""`python -m geotool.jobs.keeper HOME`: runs the jobs whose turn it is, one after the other, and goes.

It survives the window and the terminal. It holds a pipe to the command it runs: a line on it asks the command
to stop, and should the keeper die, the pipe's end tells the command to die as well. Several keepers are no
harm: each takes its jobs from the table in one transaction.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import shlex
import subprocess
import sys
import time
from pathlib import Path

from geotool.core.artifacts import write_json
from geotool.core.errors import GeotoolError
from geotool.core.paths import JOB_VARIABLE, PROJECT_DIR
from geotool.core.records import RunState
from geotool.jobs.ending import Ending, judge
from geotool.jobs.processes import (
    FAMILY_VARIABLE,
    ProcessMark,
    end_family,
    own_session,
    start_detached,
)
from geotool.jobs.run_folder import RunFolder
from geotool.jobs.table import RunTable

_LOOK_EVERY_S = 0.2
_CALL_AGAIN_S = 5  # a keeper takes less to start and take its job


def call_keeper(table: RunTable) -> None:
    """Start a keeper if a job could run now."""
    if table.has_next():
        log = table.folder / "keeper.log"
        log.touch()
        start_detached(["-m", "geotool.jobs.keeper", str(table.home)], log)


def call_missing_keeper(table: RunTable) -> None:
    """The same for those who only look, again and again: not if one was called just now."""
    with contextlib.suppress(FileNotFoundError):
        if abs(time.time() - (table.folder / "keeper.log").stat().st_mtime) < _CALL_AGAIN_S:
            return
    call_keeper(table)


def mark_lost(table: RunTable) -> bool:
    """Tell of jobs whose keeper is gone, having ended what is left of them; whether there were any."""
    lost = [state for state, keeper in table.active() if not keeper.is_alive]
    for state in lost:
        end_family(state.folder)
        ending = judge(state, exit_code=None, was_killed=False)
        table.finish(state.run_id, ending.status, ending.exit_code, ending.error, ending.hint)
    return bool(lost)


def keep(table: RunTable) -> None:
    """Run jobs until none is left that could run."""
    keeper = ProcessMark.of(os.getpid())
    assert keeper is not None
    mark_lost(table)
    while state := table.claim(keeper):
        call_keeper(table)  # another device may be free for the next one
        table.reserve.fill()
        ending = _run(table, state)
        with contextlib.suppress(OSError):
            _write_result(table, state, ending)
        table.finish(state.run_id, ending.status, ending.exit_code, ending.error, ending.hint)


def _run(table: RunTable, state: RunState) -> Ending:
    try:
        process = _start(table, state)
    except OSError as error:
        return Ending("failed", None, f"It could not be started: {error}.", "Resume it when that is cured.")
    mark = ProcessMark.of(process.pid)
    if mark is not None:
        table.set_process(state.run_id, mark)
    was_killed = _wait(table, state, process)
    end_family(state.folder)
    return judge(table.state(state.run_id), process.returncode, was_killed)


def _start(table: RunTable, state: RunState) -> subprocess.Popen[bytes]:
    folder = RunFolder(state.folder)
    marks = {JOB_VARIABLE: str(state.run_id), FAMILY_VARIABLE: str(state.folder)}
    arguments = folder.command_line(state.command, table.home)
    with open(folder.log, "ab") as log:
        log.write(f"{folder.START_SIGN}{shlex.join(arguments)}\n".encode())
        log.flush()
        return subprocess.Popen(
            arguments,
            cwd=PROJECT_DIR,
            env={**os.environ, **marks, "PYTHONUNBUFFERED": "1", "PYTHONIOENCODING": "utf-8"},
            stdin=subprocess.PIPE,
            stdout=log,
            stderr=log,
            **own_session("CREATE_NO_WINDOW"),
        )


def _wait(table: RunTable, state: RunState, process: subprocess.Popen[bytes]) -> bool:
    """Return when the process has ended; whether it had to be killed, having been asked to stop in vain."""
    asked, killed = False, False
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_LOOK_EVERY_S)
            return killed
        kill_at = _kill_at(table, state.run_id)
        if kill_at is None:
            continue
        if not asked:
            _ask_to_stop(process)
            asked = True
        if time.time() >= kill_at:
            killed = True
            end_family(state.folder)


def _kill_at(table: RunTable, run_id: int) -> float | None:
    """Read again and again: a disk that is full or busy just now must not end the job."""
    with contextlib.suppress(GeotoolError):
        return table.kill_at(run_id)
    return None


def _ask_to_stop(process: subprocess.Popen[bytes]) -> None:
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it has just ended
        process.stdin.write(b"stop\n")
        process.stdin.flush()


def _write_result(table: RunTable, state: RunState, ending: Ending) -> None:
    """For those who read the folder; the table is what counts."""
    now = table.state(state.run_id)
    times = {"started_at": now.started_at, "ended_at": time.time()}
    progress = dataclasses.asdict(now.progress) if now.progress else None
    values = {"command": state.command, **dataclasses.asdict(ending), **times, "progress": progress}
    write_json(RunFolder(state.folder).result, values)


if __name__ == "__main__":
    table_of_home = RunTable(Path(sys.argv[1]))
    with table_of_home.held_open():
        keep(table_of_home)
