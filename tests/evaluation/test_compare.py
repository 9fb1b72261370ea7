"""Two runs over the same photos: paired differences, wins and losses, refusals."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geotool.cli import main
from geotool.core.sphere import haversine_km
from geotool.evaluation.compare import find_wins

N = 80


def write_rows(path: Path, header: str, rows: list[tuple]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])
    return path


@pytest.fixture
def offsets_deg() -> np.ndarray:
    """(N, 2) how far north of the truth each system answers; B is better as a rule, not always."""
    return 10 ** np.random.default_rng(2).uniform([-2, -2.6], [1.2, 1.0], (N, 2))


def write_run(tmp_path: Path, name: str, offset_deg: np.ndarray, first: int = 0, lat: float = 10) -> Path:
    photos = range(first, first + len(offset_deg))
    truth = [(f"{i}.jpg", f"author {i % 9}", lat, i) for i in photos]
    guesses = [
        (f"{i}.jpg", 1, lat + o, i) for i, o in zip(photos, offset_deg, strict=True) if not np.isnan(o)
    ]
    asked = ["--predictions", write_rows(tmp_path / f"{name}.csv", "IMG_ID rank LAT LON", guesses)]
    asked += ["--truth", write_rows(tmp_path / f"{name}-truth.csv", "IMG_ID AUTHOR LAT LON", truth)]
    assert main(["evaluate", *map(str, asked), "--out", str(tmp_path / name)]) == 0
    return tmp_path / name


def compare(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    capsys.readouterr()
    assert main(["compare", *map(str, arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


def test_differences_and_intervals_are_those_of_a_plain_loop(
    offsets_deg: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs = [write_run(tmp_path, name, offsets) for name, offsets in zip("ab", offsets_deg.T, strict=True)]
    result = compare(capsys, *runs)
    origin = np.array([10.0, 0.0])
    errors_km = haversine_km(origin, np.stack([10 + offsets_deg, 0 * offsets_deg], axis=-1))  # (N, 2)
    gain = 100.0 * (errors_km[:, 1] <= 200) - 100.0 * (errors_km[:, 0] <= 200)
    assert result["difference"]["within_km"]["200"] == pytest.approx(gain.mean(), abs=0.006)
    rows_of, rng = [np.arange(i, N, 9) for i in range(9)], np.random.default_rng(11)
    draws = [np.concatenate([rows_of[i] for i in rng.integers(0, 9, 9)]) for _ in range(10_000)]
    expected = np.percentile([gain[rows].mean() for rows in draws], [2.5, 97.5])
    assert result["difference"]["intervals95"]["200"] == pytest.approx(expected, abs=0.5)
    assert result["bootstrap"] == {"by": "author", "groups": 9, "resamples": 10_000}
    medians = np.median(errors_km, axis=0)
    assert result["difference"]["median_km"] == pytest.approx(medians[1] - medians[0], abs=0.01)
    assert sum(group["n"] for group in result["slices"]["country"]) == N


def test_a_run_compared_with_itself_gains_nothing(
    offsets_deg: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = write_run(tmp_path, "a", offsets_deg[:, 0])
    result = compare(capsys, run, run)
    assert set(result["difference"]["within_km"].values()) == {0}
    assert result["difference"]["intervals95"]["25"] == [0, 0] and result["wins"] == result["losses"] == 0


def test_wins_and_losses_are_by_threshold_the_largest_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_run(tmp_path, "a", np.array([10, 3, 0.001, 0.5, np.nan]))
    b = write_run(tmp_path, "b", np.array([9, 0.001, 3, 0.001, 5]))
    result = compare(capsys, a, b, "--examples", "2")
    assert (result["wins"], result["losses"], result["failed"]) == (3, 1, {"a": 1, "b": 0})
    assert [photo["id"] for photo in result["largest_wins"]] == ["4.jpg", "1.jpg"]
    assert result["largest_wins"][0]["a"] == {"answer": None, "error_km": None}
    assert [photo["id"] for photo in result["largest_losses"]] == ["2.jpg"]
    assert result["difference"]["median_km"] is not None
    assert main(["compare", str(a), str(b)]) == 0
    said = capsys.readouterr().out
    assert "B wins 3 photos and loses 1" in said and "+20.00 points" in said


def test_only_common_photos_count(
    offsets_deg: np.ndarray, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a, b = (
        write_run(tmp_path, "a", offsets_deg[:, 0]),
        write_run(tmp_path, "b", offsets_deg[:60, 1], first=30),
    )
    result = compare(capsys, a, b)
    assert (result["n"], result["only_in_a"], result["only_in_b"]) == (50, 30, 10)


def test_runs_that_do_not_belong_together_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    a = write_run(tmp_path, "a", np.full(4, 0.1))
    other, moved = (
        write_run(tmp_path, "b", np.full(4, 0.1), first=50),
        write_run(tmp_path, "c", np.full(4, 0.1), lat=11),
    )
    assert main(["compare", str(a), str(other)]) == 6
    assert main(["compare", str(a), str(moved)]) == 4
    assert main(["compare", str(a), str(tmp_path / "none")]) == 3
    assert main(["compare", str(a)]) == 2
    assert "truths" in capsys.readouterr().err


def test_a_win_is_a_nearer_threshold() -> None:
    errors_km = np.array([[30, 20], [300, 260], [5000, np.inf], [np.inf, 0.5], [1.0, 0.2]])
    assert find_wins(errors_km).tolist() == [3, 0]
    assert find_wins(errors_km[:, ::-1]).tolist() == []
