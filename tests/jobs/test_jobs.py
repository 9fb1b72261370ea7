"""Jobs as those see them who start them: states, results, reasons, the queue."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from geotool.core.errors import EmptyResultError, MismatchError, NotFoundError, StoppedError, UsageError
from geotool.jobs.jobs import Jobs
from tests.demo.worlds import two_continents
from tests.jobs.conftest import PROJECT_DIR, wait_for, wait_for_steps, wait_until

pytestmark = pytest.mark.slow


def test_looking_makes_nothing(jobs: Jobs, home: Path) -> None:
    assert list(jobs.list()) == []
    with pytest.raises(NotFoundError, match="no job 1"):
        jobs.get(1)
    assert not home.exists()


def test_a_job_leaves_a_folder_that_tells_its_story(jobs: Jobs, home: Path, tmp_path: Path) -> None:
    started = jobs.start("sleepy", {"steps": 3, "out": str(tmp_path / "out")})
    assert started.status == "queued" and started.title == "out"
    state = wait_for(jobs, started.run_id, "done")
    assert (state.exit_code, state.error) == (0, None)
    assert state.progress and (state.progress.done, state.progress.total) == (3, 3)
    assert state.started_at and state.ended_at and state.created_at <= state.started_at < state.ended_at
    assert json.loads((state.folder / "config.json").read_text())["steps"] == 3
    assert json.loads((state.folder / "result.json").read_text())["status"] == "done"
    assert jobs.log_tail(1, lines=1) == f"awake: steps 3, home {home}"
    events, end = jobs.events(1)
    assert [event["name"] for event in events][:2] == ["started", "awake"]
    assert events[1]["values"]["steps"] == 3
    assert jobs.events(1, since=end) == ([], end)


def test_a_running_job_tells_its_rate_and_the_time_left(jobs: Jobs) -> None:
    jobs.start("sleepy", {"steps": 1000})
    wait_until(lambda: (now := jobs.get(1).progress) and now.rate_per_s)
    progress = jobs.get(1).progress
    assert progress and progress.rate_per_s and progress.left_s
    assert 0 < progress.rate_per_s <= 20  # a step pauses for 0.05 s
    assert progress.left_s == pytest.approx((1000 - progress.done) / progress.rate_per_s, rel=0.2)
    jobs.stop(1)
    wait_for(jobs, 1)


def test_a_jobs_result_is_that_of_the_command_line(jobs: Jobs, tmp_path: Path) -> None:
    """Bytes: the same configuration, once as a job and once typed in a shell."""
    from PIL import Image

    raster = tmp_path / "world.png"
    Image.fromarray(two_continents().pixels).save(raster)
    settings = {"raster": str(raster), "count": 3, "seed": 4, "size_px": 16}
    job = jobs.start("demo-data", {**settings, "folder": str(tmp_path / "by_job")})
    wait_for(jobs, job.run_id, "done")
    config = tmp_path / "config.json"
    config.write_text(json.dumps({**settings, "folder": str(tmp_path / "by_hand")}))
    typed = [sys.executable, "-m", "geotool", "demo-data", "--config", str(config)]
    subprocess.run(typed, cwd=PROJECT_DIR, check=True, capture_output=True)

    def content(name: str) -> dict[str, bytes]:
        files = (path for path in (tmp_path / name).rglob("*") if path.is_file())
        return {path.relative_to(tmp_path / name).as_posix(): path.read_bytes() for path in files}

    assert len(content("by_job")) == 5
    assert content("by_job") == content("by_hand")


@pytest.mark.parametrize(
    ("end", "exit_code", "error", "hint"),
    [
        ("mismatch", MismatchError.exit_code, "Two things do not fit.", "Make them fit."),
        ("bug", 1, "Unexpected failure: ZeroDivisionError: of a test.", "The log says where"),
        ("crash", -11, "It crashed (SIGSEGV).", "Its log says more."),
        ("nothing", EmptyResultError.exit_code, "there is nothing in", "Its log says more."),
    ],
)
def test_a_failure_has_a_reason_and_a_remedy(
    jobs: Jobs, tmp_path: Path, end: str, exit_code: int, error: str, hint: str
) -> None:
    jobs.start("sleepy", {"end": end, "out": str(tmp_path / "out")})
    state = wait_for(jobs, 1, "failed")
    assert state.exit_code == exit_code
    assert error in (state.error or "") and hint in (state.hint or "")
    assert ("Traceback" in jobs.log_tail(1)) == (end in ("mismatch", "bug"))


def test_settings_that_cannot_be_meant_fail_with_the_sentence_of_the_command(jobs: Jobs) -> None:
    jobs.start("sleepy", {"steps": -1})
    jobs.start("nonsense", {})
    assert wait_for(jobs, 1, "failed").error == "--steps cannot be -1."
    unknown = wait_for(jobs, 2, "failed")
    assert unknown.exit_code == UsageError.exit_code and "no command 'nonsense'" in (unknown.error or "")
    with pytest.raises(UsageError):
        jobs.start("../sleepy", {})


def test_one_job_at_a_time_computes_on_a_device(jobs: Jobs) -> None:
    first = jobs.start("sleepy", {"steps": 1000})
    second = jobs.start("sleepy", {"steps": 1000})
    on_gpu = jobs.start("sleepy", {"steps": 1000, "device": "cuda"})
    wait_for(jobs, first.run_id, "running")
    assert wait_for(jobs, on_gpu.run_id, "running").device == "gpu"
    assert jobs.get(second.run_id).status == "queued"
    jobs.stop(first.run_id)
    wait_for(jobs, second.run_id, "running")
    assert wait_for(jobs, first.run_id).status == "stopped"
    for run_id in (second.run_id, on_gpu.run_id):
        jobs.stop(run_id)
        assert wait_for(jobs, run_id).exit_code == StoppedError.exit_code


def test_the_queue_can_be_put_in_another_order(jobs: Jobs) -> None:
    busy, *waiting = [jobs.start("sleepy", {"steps": 1000}).run_id for _ in range(4)]
    wait_for(jobs, busy, "running")
    jobs.move(waiting[2], 1)
    assert [state.run_id for state in jobs.list()] == [busy, waiting[2], waiting[0], waiting[1]]
    jobs.move(waiting[2], 99)
    assert [state.run_id for state in jobs.list()] == [busy, *waiting]
    with pytest.raises(UsageError, match="not in the queue"):
        jobs.move(busy, 1)
    for run_id in (*waiting, busy):
        jobs.stop(run_id)
    wait_for(jobs, busy, "stopped")


def test_the_steps_of_a_chain_follow_each_other_and_a_failure_ends_it(jobs: Jobs, tmp_path: Path) -> None:
    starts, out = tmp_path / "starts", tmp_path / "out"
    steps = [{"starts": str(starts)}, {"steps": 1000, "out": str(out), "starts": str(starts)}, {}]
    first, second, third = jobs.start_chain([("sleepy", step) for step in steps])
    assert (second.after, third.after) == (first.run_id, second.run_id)
    wait_for_steps(jobs, second.run_id)
    assert jobs.get(first.run_id).status == "done" and jobs.get(third.run_id).status == "queued"
    jobs.stop(second.run_id)
    wait_for(jobs, second.run_id, "stopped")
    stopped = jobs.get(third.run_id)
    assert stopped.status == "stopped" and f"job {second.run_id}" in (stopped.error or "")
    with pytest.raises(UsageError, match="the step before"):
        jobs.resume(third.run_id)
    out.write_bytes(bytes(1000))  # no steps are left
    jobs.resume(second.run_id)
    assert wait_for(jobs, third.run_id).status == "done"
    assert len(starts.read_text().split()) == 3


def test_again_with_changes_and_away_with_it(jobs: Jobs, tmp_path: Path) -> None:
    jobs.start("sleepy", {"steps": 1, "out": str(tmp_path / "out")})
    assert wait_for(jobs, 1).status == "done"
    with pytest.raises(UsageError, match="Only what ended early"):
        jobs.resume(1)
    jobs.rerun(1, {"steps": 3})
    assert wait_for(jobs, 2).status == "done"
    assert (jobs.config(2)["steps"], (tmp_path / "out").read_bytes()) == (3, b"...")
    half_built = tmp_path / ".out-unfinished"
    half_built.mkdir()
    (half_built / "rows").write_bytes(bytes(10_000))
    assert jobs.size_bytes(1) < 10_000 < jobs.size_bytes(1, with_unfinished=True)
    assert jobs.delete(1) < 10_000 and half_built.exists()
    assert jobs.delete(2, with_unfinished=True) > 10_000 and not half_built.exists()
    assert list(jobs.list()) == [] and (tmp_path / "out").exists()
    assert [path for path in (tmp_path / "home" / "jobs").iterdir() if path.is_dir()] == []
    assert jobs.start("sleepy", {}).run_id == 3
    wait_for(jobs, 3)


def test_what_runs_or_is_waited_for_is_not_deleted(jobs: Jobs) -> None:
    first, second = jobs.start_chain([("sleepy", {"steps": 1000}), ("sleepy", {})])
    wait_for(jobs, first.run_id, "running")
    with pytest.raises(UsageError, match="is running"):
        jobs.delete(first.run_id)
    jobs.stop(second.run_id)
    jobs.stop(first.run_id)
    wait_for(jobs, first.run_id)
    jobs.delete(first.run_id)
    jobs.resume(second.run_id)
    assert wait_for(jobs, second.run_id).status == "done"


def test_a_thousand_finished_jobs_are_one_query(jobs: Jobs, monkeypatch: pytest.MonkeyPatch) -> None:
    from geotool.jobs.table import RunTable

    with jobs._table.change() as db:
        for _ in range(1000):
            state = jobs._table.add(db, "sleepy", "", "cpu", None)
        db.execute("update run set status = 'done', done = 5, total = 5, ended_at = run_id")
    asked: list[str] = []
    select = RunTable._select
    monkeypatch.setattr(RunTable, "_select", lambda *a: asked.append(a[1]) or select(*a))
    found = jobs.list()
    assert [each.run_id for each in found] == list(range(1000, 0, -1)) and state.run_id == 1000
    assert len(asked) == 3  # what runs, what could start, and all of them
    assert [each.run_id for each in jobs.list(limit=2)] == [1000, 999]
