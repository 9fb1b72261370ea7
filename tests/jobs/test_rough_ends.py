"""Whatever dies: the table tells the truth, no process is left, and resuming finishes the work."""

from __future__ import annotations

import itertools
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from geotool.core.errors import StoppedError
from geotool.core.records import RunState
from geotool.jobs.jobs import Jobs
from geotool.jobs.processes import ProcessMark
from geotool.jobs.table import RunTable
from tests.jobs.conftest import (
    PROJECT_DIR,
    processes_of,
    wait_for,
    wait_for_steps,
    wait_until,
)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(os.name == "nt", reason="kills by POSIX signals"),
]
TRUTH_WITHIN_S, ROUNDS = 3, 10


def pid_of(state: RunState) -> int:
    assert state.pid
    return state.pid


def keeper_of(jobs: Jobs, run_id: int) -> int:
    [(state, keeper)] = RunTable(jobs.home).active()
    assert state.run_id == run_id
    return keeper.pid


def test_ten_kills_of_the_worker_then_it_finishes(jobs: Jobs, home: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    jobs.start("sleepy", {"steps": ROUNDS + 3, "out": str(out), "children": True})
    for _ in range(ROUNDS):
        state = wait_for_steps(jobs, 1)
        os.kill(pid_of(state), signal.SIGKILL)
        killed_at = time.monotonic()
        state = wait_for(jobs, 1, "lost")
        assert time.monotonic() - killed_at < TRUTH_WITHIN_S
        assert "SIGKILL" in (state.error or "") and state.hint
        wait_until(lambda: not processes_of(home), TRUTH_WITHIN_S)
        jobs.resume(1)
    assert wait_for(jobs, 1).status == "done"
    assert out.stat().st_size == ROUNDS + 3
    assert [event["name"] for event in jobs.events(1)[0]].count("started") == ROUNDS + 1


def test_the_death_of_the_keeper_is_that_of_its_job(jobs: Jobs, home: Path) -> None:
    jobs.start("sleepy", {"steps": 1000, "children": True})
    jobs.start("sleepy", {})
    wait_for_steps(jobs, 1)
    keeper = psutil.Process(keeper_of(jobs, 1))
    keeper.kill()
    wait_until(lambda: not keeper.is_running())
    assert jobs.get(1).status == "lost"  # within one reading
    assert wait_for(jobs, 2).status == "done"  # the queue moves on
    wait_until(lambda: not processes_of(home), TRUTH_WITHIN_S)


def test_all_killed_at_once_as_when_the_machine_goes_off(jobs: Jobs, home: Path) -> None:
    jobs.start("sleepy", {"steps": 1000, "children": True})
    wait_for_steps(jobs, 1)
    processes = processes_of(home)
    for process in processes:
        process.kill()
    wait_until(lambda: not any(process.is_running() for process in processes))
    state = jobs.get(1)
    assert (state.status, state.exit_code) == ("lost", None)
    wait_until(lambda: not processes_of(home), TRUTH_WITHIN_S)


def test_ten_stops_at_a_random_moment(jobs: Jobs, home: Path) -> None:
    moments = random.Random(5)
    for _ in range(ROUNDS):
        run_id = jobs.start("sleepy", {"steps": 1000, "children": True}).run_id
        time.sleep(moments.uniform(0, 0.5))
        jobs.stop(run_id)
        assert jobs.get(run_id).status in ("stopping", "stopped")
        state = wait_for(jobs, run_id)
        assert (state.status, state.exit_code) in {("stopped", None), ("stopped", StoppedError.exit_code)}
    wait_until(lambda: not processes_of(home), TRUTH_WITHIN_S)


def test_who_does_not_stop_is_ended_after_the_grace(jobs: Jobs) -> None:
    jobs.start("sleepy", {"steps": 1000, "deaf": True, "children": True})
    wait_for_steps(jobs, 1)
    jobs.stop(1)
    time.sleep(0.5)
    assert jobs.get(1).status == "stopping"
    jobs.stop(1, grace_s=0)  # somebody has no patience
    state = wait_for(jobs, 1, "stopped")
    assert "did not stop when asked" in (state.error or "")


def test_two_starters_at_once_start_no_job_twice(jobs: Jobs, home: Path, tmp_path: Path) -> None:
    starts = tmp_path / "starts"
    code = (
        "import sys, pathlib; from geotool.jobs.jobs import Jobs; jobs = Jobs(pathlib.Path(sys.argv[1]))\n"
        "for _ in range(3): jobs.start('sleepy', {'starts': sys.argv[2]}); jobs.list()\n"
    )
    starters = [
        subprocess.Popen([sys.executable, "-c", code, str(home), str(starts)], cwd=PROJECT_DIR)
        for _ in range(2)
    ]
    assert [starter.wait() for starter in starters] == [0, 0]
    wait_until(lambda: all(state.is_over for state in jobs.list()))
    states = jobs.list()
    assert [state.status for state in states] == ["done"] * 6
    assert len(starts.read_text().split()) == 6
    spans = sorted((state.started_at or 0, state.ended_at or 0) for state in states)
    assert all(before[1] <= after[0] for before, after in itertools.pairwise(spans))


def test_another_process_of_the_same_number_is_not_taken_for_it() -> None:
    me = ProcessMark.of(os.getpid())
    assert me and me.is_alive
    assert not ProcessMark(me.pid, me.started - 10).is_alive
    child = subprocess.Popen([sys.executable, "-c", ""])
    wait_until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
    assert ProcessMark.of(child.pid) is None  # it ended, though nobody has asked how
    child.wait()


@pytest.mark.skipif(sys.platform != "linux", reason="the boot time moves with the clock on Linux")
def test_setting_the_clock_kills_no_job(monkeypatch: pytest.MonkeyPatch) -> None:
    me = ProcessMark.of(os.getpid())
    boot_time = psutil.boot_time()
    monkeypatch.setattr("psutil._psplatform.boot_time", lambda: boot_time + 3600)
    assert me and me.is_alive


def test_a_full_disk_is_the_reason_and_nothing_is_broken(tmp_path: Path) -> None:
    """On a disk of 3 MB that belongs to this test alone."""
    place, code = tmp_path / "disk", tmp_path / "fill.py"
    place.mkdir()
    code.write_text(FILL_THE_DISK)
    mount = f"mount -t tmpfs -o size=3m none {place}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no disk can be mounted here")
    inside = f"{mount} && exec {sys.executable} {code} {place}"
    done = subprocess.run(
        ["unshare", "-rm", "sh", "-c", inside], capture_output=True, text=True, cwd=PROJECT_DIR
    )
    assert done.returncode == 0, done.stderr


FILL_THE_DISK = """
import sys, time, sqlite3
from pathlib import Path
from geotool.jobs.jobs import Jobs

place = Path(sys.argv[1])
jobs, filled = Jobs(place / "home"), place / "filled"

def wait_for(run_id):
    while not (state := jobs.get(run_id)).is_over:
        time.sleep(0.05)
    return state

jobs.start("sleepy", {"steps": 2, "fill": str(filled)})
jobs.start("sleepy", {})
state = wait_for(1)
assert state.status == "failed" and "is full" in state.error and state.hint, state
assert filled.stat().st_size > 1_000_000
filled.unlink()
assert wait_for(2).is_over  # it ran on the full disk, or just after
assert jobs.delete(1) > 0
again = jobs.start("sleepy", {}).run_id
assert wait_for(again).status == "done", jobs.get(again)
database = sqlite3.connect(place / "home" / "jobs" / "jobs.sqlite3")
assert database.execute("pragma integrity_check").fetchone() == ("ok",)
"""
