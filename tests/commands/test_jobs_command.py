"""`jobs` from a shell: start, read along, list, stop, and the mistakes one can make."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geotool.cli import main
from geotool.core.errors import MismatchError, NotFoundError, UsageError
from geotool.jobs.jobs import Jobs
from tests.jobs.conftest import guest, home, jobs, wait_for

__all__ = ["guest", "home", "jobs"]
pytestmark = pytest.mark.slow
Capture = pytest.CaptureFixture[str]


def test_start_and_follow_to_the_end(
    jobs: Jobs, tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert main(["jobs", "start", "--", "sleepy", "--steps", "2", "--out", "made here"]) == 0
    assert "Job 1 is queued" in capsys.readouterr().out
    assert main(["jobs", "follow", "1"]) == 0
    said = capsys.readouterr()
    assert "awake: steps 2" in said.out and "Job 1 is done" in said.err
    assert (tmp_path / "made here").read_bytes() == b".."
    assert main(["jobs", "rerun", "1", "--", "--steps", "5", "--end", "mismatch"]) == 0
    assert main(["jobs", "follow", "2"]) == MismatchError.exit_code
    assert "Job 2 is failed: Two things do not fit. Make them fit." in capsys.readouterr().err
    assert (tmp_path / "made here").read_bytes() == b"....."


def test_list_for_people_and_for_programs(jobs: Jobs, capsys: Capture) -> None:
    assert main(["jobs"]) == 0
    assert capsys.readouterr().out == "There are no jobs.\n"
    main(["jobs", "start", "--", "sleepy", "--steps", "1000"])
    main(["jobs", "start", "--after", "1", "--", "sleepy"])
    main(["jobs", "start", "--", "sleepy"])
    wait_for(jobs, 1, "running")
    assert main(["jobs", "move", "3", "1"]) == 0
    capsys.readouterr()
    assert main(["jobs", "list"]) == 0
    running, third, second = capsys.readouterr().out.splitlines()
    assert "running" in running and third.split()[0] == "3"
    assert "queued, not before job 1 is done" in second
    assert main(["jobs", "stop", "2", "3", "1"]) == 0
    wait_for(jobs, 1, "stopped")
    capsys.readouterr()
    assert main(["jobs", "list", "--format", "json"]) == 0
    rows = json.loads(capsys.readouterr().out)["jobs"]
    assert {row["run_id"]: row["status"] for row in rows} == {1: "stopped", 2: "stopped", 3: "stopped"}
    assert main(["jobs", "delete", "1", "2", "3"]) == 0
    assert "MB freed" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("typed", "exit_code", "sentence"),
    [
        ("start", UsageError.exit_code, "The command is missing."),
        ("start -- jobs list", UsageError.exit_code, "'jobs' cannot run as a job."),
        ("start -- nonsense", UsageError.exit_code, "'nonsense' cannot run as a job."),
        ("start -- sleepy --steps -1", UsageError.exit_code, "--steps cannot be -1."),
        ("start -- sleepy --home x", UsageError.exit_code, "--home"),
        ("start --after 7 -- sleepy", NotFoundError.exit_code, "There is no job 7."),
        ("stop", UsageError.exit_code, "jobs stop needs"),
        ("stop x", UsageError.exit_code, "'x' is no number."),
        ("follow 7", NotFoundError.exit_code, "There is no job 7."),
        ("move 7", UsageError.exit_code, "jobs move needs"),
        ("pause 7", UsageError.exit_code, "Choose from list, start"),
    ],
)
def test_mistakes_are_one_sentence_and_start_nothing(
    home: Path, capsys: Capture, typed: str, exit_code: int, sentence: str
) -> None:
    assert main(["jobs", *typed.split()]) == exit_code
    said = capsys.readouterr().err
    assert sentence in said and said.count("\n") == 1
    assert not home.exists()
