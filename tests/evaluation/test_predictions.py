"""`evaluate --predictions FILE --truth FILE`: any system's candidates, without a model."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest
from geopy.distance import great_circle

from geotool.cli import main
from geotool.engine import Engine

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
NEW_YORK, BOSTON, PARIS = (40.7, -74.0), (42.36, -71.06), (48.85, 2.35)
TRUTH = [("a.jpg", *PARIS), ("b.jpg", *NEW_YORK), ("c.jpg", -17.8, 178.0), ("d.jpg", 0.0, 0.0)]
# Two that agree outvote the first; b is right at once; c lies across the seam; d is missing.
GUESSES = [
    ("a.jpg", 1, *NEW_YORK), ("a.jpg", 2, *PARIS), ("a.jpg", 3, 48.86, 2.36), ("a.jpg", 4, 48.84, 2.34),
    ("b.jpg", 2, *PARIS), ("b.jpg", 1, *NEW_YORK),
    ("c.jpg", 1, -17.8, -179.9), ("c.jpg", 2, -17.8, 179.9),
    ("stranger.jpg", 1, 1.0, 1.0),
]  # fmt: skip


def write_csv(path: Path, header: str, rows: list[tuple]) -> Path:
    with open(path, "w", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])
    return path


@pytest.fixture
def tables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    monkeypatch.setattr(Engine, "load", lambda *_, **__: pytest.fail("no model is needed"))
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    predictions = write_csv(tmp_path / "predictions.csv", "IMG_ID rank LAT LON", GUESSES)
    return predictions, write_csv(tmp_path / "truth.csv", "id LAT LON", TRUTH)


def evaluate(predictions: Path, truth: Path, *more: str) -> int:
    return main(["evaluate", "--predictions", str(predictions), "--truth", str(truth), *more])


def scored(capsys: pytest.CaptureFixture[str], predictions: Path, truth: Path, *more: str) -> dict[str, Any]:
    assert evaluate(predictions, truth, "--format", "json", *more) == 0
    return json.loads(capsys.readouterr().out)


def test_the_answer_is_the_vote_and_a_missing_photo_has_failed(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = scored(capsys, *tables, "--out", str(tmp_path / "run"))
    assert (result["n"], result["failed"], result["rows_without_truth"]) == (4, 1, 1)
    assert result["top1_within_km"]["25"] == 25.0  # b
    assert result["within_km"]["25"] == 50.0  # a and b
    assert result["within_km"]["750"] == 75.0 and result["within_km"]["2500"] == 75.0
    assert result["model"]["name"] == "predictions.csv" and result["vote_km"] == 50


def test_the_run_folder_has_candidates_answers_and_failures(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    result = scored(capsys, *tables, "--out", str(tmp_path / "run"), "--top-k", "2")
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == result
    rows = {name: list(csv.DictReader((tmp_path / "run" / f"{name}.csv").open())) for name in
            ("predictions", "answers", "errors")}  # fmt: skip
    assert len(rows["predictions"]) == 6 and rows["predictions"][0]["cosine"] == ""
    assert [row["IMG_ID"] for row in rows["answers"]] == ["a.jpg", "b.jpg", "c.jpg", "d.jpg"]
    for row, (_, lat, lon) in zip(rows["answers"][:3], TRUTH, strict=False):
        expected_km = great_circle((float(row["lat"]), float(row["lon"])), (lat, lon)).km
        assert float(row["error_km"]) == pytest.approx(expected_km, abs=0.01)
        assert 0 < float(row["mass"]) <= 1 and float(row["radius_km"]) >= 0
    assert set(rows["answers"][3].values()) == {"d.jpg", ""}
    assert [row["path"] for row in rows["errors"]] == ["stranger.jpg", "d.jpg"]


def test_a_system_that_gives_weights_votes_with_them(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sure = [(*row, 0.9 if row[1] == 1 else 0.01) for row in GUESSES]
    weighted = write_csv(tmp_path / "weighted.csv", "IMG_ID rank LAT LON prob", sure)
    result = scored(capsys, weighted, tables[1], "--out", str(tmp_path / "run"))
    assert result["within_km"]["25"] == 25.0  # New York keeps the photo of Paris


def test_the_bandwidth_is_the_models_or_the_one_asked_for(
    tables: tuple[Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ("--out", str(tmp_path / "run"))
    assert scored(capsys, *tables, *out, "--model", "bluemarble")["vote_km"] == 150
    assert scored(capsys, *tables, *out, "--vote-km", "20")["vote_km"] == 20
    assert evaluate(*tables, *out, "--model", "nonsense") == 3


@pytest.mark.parametrize(
    "line, words",
    [
        ("a.jpg,1,191,0", "impossible"),
        ("a.jpg,1,north,0", "coordinates"),
        ("a.jpg,1,120.5,40", "swapped"),
        ("a.jpg,first,1,1", "rank"),
        ("a.jpg,0,1,1", "rank"),
        ("a.jpg,1.5,1,1", "rank"),
        ("a.jpg,inf,1,1", "rank"),
        ("b.jpg,1,1,1", "twice"),
        (",1,1,1", "no photo"),
    ],
)
def test_a_bad_row_is_one_error_with_its_line(
    tables: tuple[Path, Path], line: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tables[0].write_text(f"IMG_ID,rank,LAT,LON\nb.jpg,1,2,2\n{line}\n")
    assert evaluate(*tables) == 2
    said = capsys.readouterr()
    assert said.out == "" and "ine 3" in said.err and words in said.err


@pytest.mark.parametrize("line", ["b.jpg,100,1", "a.jpg,1,1", "b.jpg,,"])
def test_a_bad_truth_is_one_error_with_its_line(
    tables: tuple[Path, Path], line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    tables[1].write_text(f"IMG_ID,LAT,LON\na.jpg,1,1\n{line}\n")
    assert evaluate(*tables) == 2
    assert "ine 3" in capsys.readouterr().err


def test_a_prob_that_is_none_is_refused(
    tables: tuple[Path, Path], capsys: pytest.CaptureFixture[str]
) -> None:
    tables[0].write_text("IMG_ID,rank,LAT,LON,prob\na.jpg,1,1,1,-3.2\n")
    assert evaluate(*tables) == 2
    assert "line 2" in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["DATA", "--predictions", "p.csv", "--truth", "t.csv"], "exclude"),
        (["DATA", "--truth", "t.csv"], "exclude"),
        (["--predictions", "p.csv"], "--truth"),
        (["--truth", "t.csv"], "--predictions"),
        ([], "DATA"),
    ],
)
def test_what_is_scored_has_to_be_clear(
    arguments: list[str], words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", *arguments]) == 2
    assert words in capsys.readouterr().err


def test_tables_that_do_not_belong_together_are_no_result(tables: tuple[Path, Path], tmp_path: Path) -> None:
    other = write_csv(tmp_path / "other.csv", "IMG_ID LAT LON", [("a", 1, 1), ("b", 2, 2)])
    assert evaluate(tables[0], other) == 6
    assert evaluate(tables[0], tmp_path / "none.csv") == 3
    assert not (tmp_path / "home").exists()


@pytest.mark.skipif(not SHARED.is_dir(), reason="needs the data shared by the team")
@pytest.mark.parametrize("weights", ["the model's own", "by rank"])
def test_the_vote_gains_over_the_first_candidate_on_im2gps3k(
    weights: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions = SHARED / "im2gps3k_dev_geoclip_top5.csv"
    if weights == "by rank":
        rows = [tuple(line.split(",")[:4]) for line in predictions.read_text().splitlines()[1:]]
        predictions = write_csv(tmp_path / "ranks.csv", "IMG_ID rank LAT LON", rows)
    result = scored(capsys, predictions, SHARED / "im2gps3k_dev_truth.csv", "--out", str(tmp_path / "run"))
    first, voted = result["top1_within_km"], result["within_km"]
    assert [first[km] for km in ("1", "25", "200", "750", "2500")] == [12.64, 31.49, 45.54, 64.12, 79.73]
    assert voted["1"] >= first["1"] + 0.4 and voted["25"] >= first["25"] + 0.8
    assert all(voted[km] > first[km] for km in first)
