"""Jobs in a home of their own, with the command `sleepy`; no process may be left when a test is over."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

import geotool.commands
from geotool.core.records import RunState
from geotool.jobs.jobs import Jobs
from geotool.jobs.processes import FAMILY_VARIABLE

GUEST = Path(__file__).parent / "guest"
PROJECT_DIR = Path(__file__).resolve().parents[2]
LOOK_EVERY_S = 0.05


@pytest.fixture(autouse=True)
def guest(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join((str(GUEST), str(PROJECT_DIR))))
    monkeypatch.setitem(geotool.commands.COMMANDS, "sleepy", "do as little as a test needs")
    monkeypatch.setattr(geotool.commands, "__path__", [*geotool.commands.__path__, str(GUEST / "commands")])


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    yield tmp_path / "home"
    wait_until(lambda: not processes_of(tmp_path / "home"))


@pytest.fixture
def jobs(home: Path) -> Jobs:
    return Jobs(home)


def wait_until(is_so: Callable[[], object], at_most_s: float = 30) -> None:
    end = time.monotonic() + at_most_s
    while not is_so():
        assert time.monotonic() < end, "it did not come about"
        time.sleep(LOOK_EVERY_S)


def wait_for(jobs: Jobs, run_id: int, *statuses: str) -> RunState:
    """The job as soon as it has one of these states, or is over."""
    while (state := jobs.get(run_id)).status not in statuses and not state.is_over:
        time.sleep(LOOK_EVERY_S)
    assert state.status in (statuses or ("stopped", "done", "failed", "lost")), state
    return state


def wait_for_steps(jobs: Jobs, run_id: int) -> RunState:
    """The running job as soon as its first step is done."""
    while not (state := jobs.get(run_id)).progress and not state.is_over:
        time.sleep(LOOK_EVERY_S)
    assert state.status == "running", state
    return state


def processes_of(home: Path) -> list[psutil.Process]:
    """Keepers of this home, its jobs, and whatever they started."""
    found = []
    for process in psutil.process_iter():
        try:
            family = process.environ().get(FAMILY_VARIABLE, "")
            if family.startswith(str(home)) or (
                "geotool.jobs.keeper" in process.cmdline()[2:3] and str(home) in process.cmdline()
            ):
                found.append(process)
        except (psutil.Error, OSError):
            continue
    return found
