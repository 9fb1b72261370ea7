from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geotool.core.records import RunProgress, RunState
from geotool.ui import job_curves, job_rows

STATE = RunState(
    run_id=3, command="train", title="tuscany", status="running", device="cpu",
    folder=Path("jobs/3"), after=None, created_at=1000.0, started_at=1000.0, ended_at=1200.0,
    progress=RunProgress(done=1200, total=4000, failed=3, unit="photos", rate_per_s=33.21, left_s=84.4),
)  # fmt: skip


def test_a_running_job_tells_how_far_it_is() -> None:
    row = job_rows.to_row(STATE)
    assert row["share"] == 0.3
    assert row["words"] == "1\u2009200 of 4\u2009000 photos, 3 failed"
    assert (row["rate"], row["left"], row["took"]) == ("33.2/s", "1 min 24 s", "3 min 20 s")
    assert row["acts"] == ["stop", "edit"]


@pytest.mark.parametrize(
    ("status", "acts"),
    [
        ("queued", ["stop", "edit"]),
        ("failed", ["resume", "edit", "delete"]),
        ("lost", ["resume", "edit", "delete"]),
        ("stopped", ["resume", "edit", "delete"]),
        ("done", ["edit", "delete"]),
    ],
)
def test_only_what_is_possible_is_offered(status: str, acts: list[str]) -> None:
    assert job_rows.to_row(replace(STATE, status=status))["acts"] == acts


def test_a_waiting_job_says_for_what_and_may_be_the_next() -> None:
    row = job_rows.to_row(replace(STATE, status="queued", after=2), waiting=[7, 3])
    assert row["words"] == "number 2 in the queue, after job 2"
    assert row["acts"] == ["stop", "first", "edit"]


def test_a_failure_is_one_sentence_in_the_row() -> None:
    row = job_rows.to_row(replace(STATE, status="failed", error="The disk is full."))
    assert row["words"] == "The disk is full."
    assert (row["rate"], row["left"]) == ("", "")


def test_bytes_are_megabytes() -> None:
    progress = RunProgress(done=500_000_000, total=1_710_000_000, unit="B", rate_per_s=2e6)
    row = job_rows.to_row(replace(STATE, progress=progress))
    assert (row["words"], row["rate"]) == ("500 MB of 1.7 GB", "2 MB/s")


def test_older_jobs_are_kept_back_and_equal_tables_are_equal() -> None:
    states = [replace(STATE, run_id=n) for n in range(5)]
    value = job_rows.table_value(states, most=4)
    assert (len(value["rows"]), value["older"]) == (4, True)
    assert job_rows.digest(value) == job_rows.digest(job_rows.table_value(states, most=4))
    assert job_rows.digest(value) != job_rows.digest(job_rows.table_value(states, most=5))


def test_the_rate_is_that_of_the_latest_start() -> None:
    def said(at: float, done: int) -> dict:
        return {"at": at, "name": "progress", "values": {"done": done, "unit": "photos"}}

    started = {"at": 0.0, "name": "started", "values": {}}
    events = [started, said(1, 10), said(2, 1000), started, said(10, 100), said(12, 140), said(14, 160)]
    [curve] = job_curves.find_curves(events, {})
    assert curve["title"] == "photos per second"
    assert curve["lines"][0]["points"] == [[2, 20], [4, 10]]


def test_a_training_shows_what_it_wrote(tmp_path: Path) -> None:
    folder = tmp_path / ".m-unfinished" / "curves"
    folder.mkdir(parents=True)
    rows = '{"step": 50, "loss": 3.5}\n{"step": 60, "within_25_km": 10.0}\n{"step": 100, "loss": 2.5}\n'
    rows += '{"step": 120, "within_25_km": 20.0, "within_1_km": null}\n{"step": 130, "lo'
    (folder / "metrics.jsonl").write_text(rows)
    loss, accuracy = job_curves.find_curves([], {"out": str(tmp_path / "m")})
    assert loss["lines"][0]["points"] == [[50, 3.5], [100, 2.5]]
    assert [(line["label"], line["points"]) for line in accuracy["lines"]] == [
        ("25 km", [[60, 10], [120, 20]])
    ]


def test_a_long_curve_is_thinned_and_keeps_its_end() -> None:
    points = [(float(n), 1.0) for n in range(10_001)]
    thinned = job_curves.thin(points)
    assert len(thinned) <= job_curves.MOST_POINTS + 1
    assert (thinned[0][0], thinned[-1][0]) == (0, 10_000)
