"""Run commands in the background, one at a time per device: they survive the terminal and the window.

jobs start -- train FEATURES --out MODEL     put a command into the queue
jobs list                                    what runs, what waits, what has ended
jobs follow 3                                read along until job 3 has ended
jobs stop 3, jobs resume 3, jobs delete 3    several numbers may be given
jobs rerun 3 -- --epochs 5                   a new job with the settings of job 3, some changed
jobs move 3 1                                make job 3 the next of those that wait
"""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

from geotool.commands import COMMANDS, module_name
from geotool.core.arguments import parse_arguments, to_config
from geotool.core.config import option
from geotool.core.errors import GeotoolError, UsageError
from geotool.core.records import RunProgress, RunState
from geotool.core.report import Report
from geotool.jobs.jobs import GRACE_S, Jobs

_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `jobs`."""

    action: Literal["list", "start", "stop", "follow", "rerun", "resume", "delete", "move"] = option(
        "list", help="list, start, stop, follow, rerun, resume, delete or move", positional=True
    )
    arguments: tuple[str, ...] = option(
        (), help="numbers of jobs; for start and rerun, what is to run, behind --", positional=True
    )
    after: int | None = option(None, help="start: not before this job is done", min=1)
    grace_s: float = option(GRACE_S, help="stop: how long it may take before it is ended", min=0, unit="s")
    with_unfinished: bool = option(False, help="delete: also what the job left half-built")
    format: Literal["table", "json"] = option("table", help="output of list")


def run(config: Config, report: Report) -> int | None:
    """Do one thing with jobs; `follow` gives the exit code of the job."""
    jobs, actions = (
        Jobs(),
        {"list": _list, "start": _start, "follow": _follow, "rerun": _rerun, "move": _move},
    )
    if config.action in actions:
        return actions[config.action](jobs, config, report)
    for run_id in _read_ids(config):
        _EACH[config.action](jobs, run_id, config)
    return None


def _list(jobs: Jobs, config: Config, _: Report) -> None:
    if config.arguments:
        raise UsageError(f"jobs list needs no {config.arguments[0]!r}.", "It lists all jobs.")
    states = jobs.list()
    if config.format == "json":
        print(json.dumps({"jobs": [dataclasses.asdict(state) for state in states]}, default=str, indent=1))
    else:
        print("\n".join(map(_to_line, states)) or "There are no jobs.")


def _start(jobs: Jobs, config: Config, _: Report) -> None:
    if not config.arguments:
        raise UsageError("The command is missing.", "For example: jobs start -- demo-data tiles --count 100")
    command, *typed = config.arguments
    if command not in COMMANDS or command == "jobs":
        raise UsageError(f"{command!r} cannot run as a job.", "Give a command: python -m geotool --help.")
    _say_started(jobs.start(command, _read_config(command, {}, typed), config.after))


def _rerun(jobs: Jobs, config: Config, _: Report) -> None:
    if not config.arguments:
        raise UsageError("The number of the job is missing.", "See: python -m geotool jobs list")
    run_id, typed = _read_id(config.arguments[0]), list(config.arguments[1:])
    command = jobs.get(run_id).command
    changed = _read_config(command, jobs.config(run_id), typed)
    _say_started(jobs.start(command, changed, config.after))


def _follow(jobs: Jobs, config: Config, report: Report) -> int:
    """Show the log as it grows. Ctrl-C ends the following, not the job."""
    [run_id] = _read_ids(config, count=1)
    said = 0
    while not report.stop_requested:
        state = jobs.get(run_id)
        text, said = jobs.log_since(run_id, said)
        _put_out(text)
        if state.is_over:
            return _say_ended(state)
        if state.progress:
            report.progress(
                state.progress.done, state.progress.total, state.progress.failed, state.progress.unit
            )
        time.sleep(_LOOK_EVERY_S)
    print(f"Job {run_id} goes on.", file=sys.stderr)
    return 0


def _move(jobs: Jobs, config: Config, _: Report) -> None:
    run_id, position = _read_ids(config, count=2)
    jobs.move(run_id, position)
    print(f"Job {run_id} is number {position} of those that wait.")


def _stop(jobs: Jobs, run_id: int, config: Config) -> None:
    jobs.stop(run_id, config.grace_s)
    print(f"Job {run_id} is asked to stop.")


def _resume(jobs: Jobs, run_id: int, _: Config) -> None:
    _say_started(jobs.resume(run_id))


def _delete(jobs: Jobs, run_id: int, config: Config) -> None:
    freed_bytes = jobs.delete(run_id, config.with_unfinished)
    print(f"Job {run_id} is deleted: {freed_bytes / 1e6:,.2f} MB freed.")


_EACH: dict[str, Callable[[Jobs, int, Config], None]] = {"stop": _stop, "resume": _resume, "delete": _delete}


def _read_config(command: str, stored: dict[str, Any], typed: list[str]) -> Any:
    """The Config of a command: what was typed over what is stored."""
    module = importlib.import_module(module_name(command))
    values = parse_arguments(command, module.__doc__, module.Config, typed)
    file = values.pop("config", None)
    if values.keys() & {"home", "traceback"}:
        raise UsageError("--home and --traceback are not of the job.", "Give --home before the --.")
    return to_config(module.Config, {**stored, **values}, file)


def _read_ids(config: Config, count: int | None = None) -> list[int]:
    ids = [_read_id(text) for text in config.arguments]
    if not ids or count not in (None, len(ids)):
        wanted = {1: "one number of a job", 2: "the number of a job and its place in the queue"}
        raise UsageError(
            f"jobs {config.action} needs {wanted.get(count or 0, 'numbers of jobs')}.", "See: jobs list"
        )
    return ids


def _read_id(text: str) -> int:
    if not text.isdecimal():
        raise UsageError(f"{text!r} is no number.", "Jobs have numbers: python -m geotool jobs list")
    return int(text)


def _put_out(text: str) -> None:
    from tqdm import tqdm

    if text:
        tqdm.write(text, file=sys.stdout, end="")  # not into the line of the progress bar


def _say_started(state: RunState) -> None:
    print(f"Job {state.run_id} is {state.status}. Read along: python -m geotool jobs follow {state.run_id}")


def _say_ended(state: RunState) -> int:
    print(f"Job {state.run_id} is {_status_words(state)}", file=sys.stderr)
    return 0 if state.status == "done" else state.exit_code or GeotoolError.exit_code


def _to_line(state: RunState) -> str:
    name = f"{state.command} {state.title}".strip()
    return f"{state.run_id:>5}  {name:<32} {_status_words(state)}"


def _status_words(state: RunState) -> str:
    """The status, and what else is worth knowing in it."""
    if state.status == "queued" and state.after:
        return f"queued, not before job {state.after} is done"
    if state.status in ("running", "stopping") and state.progress:
        return f"{state.status}, {_progress_words(state.progress)}"
    return f"{state.status}: {state.error} {state.hint or ''}".strip() if state.error else state.status


def _progress_words(progress: RunProgress) -> str:
    of_total = f" of {progress.total:,}" if progress.total is not None else ""
    words = [f"{progress.done:,}{of_total} {progress.unit}".strip()]
    if progress.failed:
        words.append(f"{progress.failed:,} failed")
    if progress.rate_per_s:
        words.append(f"{progress.rate_per_s:.3g}/s")
    if progress.left_s is not None:
        words.append(f"{datetime.timedelta(seconds=round(progress.left_s))} left")
    return ", ".join(words)
