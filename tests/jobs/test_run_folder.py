"""What is read from the folder of a job, and which device a job takes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from geotool.jobs.device import device_of
from geotool.jobs.run_folder import RunFolder, size_bytes


def test_the_tail_of_a_log_shows_the_last_state_of_a_line_drawn_over(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.log_tail(5) == ""
    folder.log.write_bytes("first\r\n 10 %\r 20 %\r 30 % Ærø\nlast\n".encode())
    assert folder.log_tail(2) == " 30 % Ærø\nlast"
    folder.log.write_bytes(b"x" * 10_000_000 + b"\nend\n")
    assert folder.log_tail(1) == "end"


def test_events_torn_by_a_kill_are_left_out_and_unfinished_lines_wait(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert folder.events_since(0) == ([], 0)
    folder.events.write_bytes(b'{"name": "a"}\n{"na\n\n{"name": "b"}\n{"name": "c"')
    events, end = folder.events_since(0)
    assert [event["name"] for event in events] == ["a", "b"]
    with open(folder.events, "ab") as file:
        file.write(b"}\n")
    assert [event["name"] for event in folder.events_since(end)[0]] == ["c"]


def test_sizes_are_those_of_all_files(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a").write_bytes(bytes(10))
    (tmp_path / "b").write_bytes(bytes(5))
    assert (size_bytes(tmp_path), size_bytes(tmp_path / "b"), size_bytes(tmp_path / "none")) == (15, 5, 0)


def test_the_device_is_that_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    devices = [
        device_of(settings) for settings in ({}, {"device": "cpu"}, {"device": "cuda"}, {"device": "mps"})
    ]
    assert devices == ["cpu", "cpu", "gpu", "gpu"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    if sys.platform != "darwin":
        assert device_of({"device": "auto"}) == "cpu"
