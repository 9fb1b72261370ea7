"""Doubtful photos: in the training features as well, twice in the test, placeholders; swapped answers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from geotool.cli import main
from geotool.core.artifacts import write_meta
from geotool.core.report import SilentReport
from geotool.evaluation.hygiene import check_hygiene
from geotool.evaluation.prediction_table import Columns
from geotool.features.store import KIND, SCHEMA, FeatureStore, load_store


def make_columns(contents: list[str | None], authors: list[str | None], lats: list[float]) -> Columns:
    ids = [f"test {i}" for i in range(len(lats))]
    return {
        "id": ids,
        "sha256": contents,
        "author": authors,
        "truth_lat": lats,
        "truth_lon": [5.0] * len(lats),
    }


def make_store(
    folder: Path, contents: list[str], authors: list[str | None], lats: list[float]
) -> FeatureStore:
    import numpy as np
    import pyarrow as pa
    from pyarrow import parquet

    folder.mkdir()
    ids = [f"train {i}" for i in range(len(lats))]
    table = {"id": ids, "path": ids, "author": authors, "sha256": contents}
    parquet.write_table(pa.table(table), folder / "rows.parquet")
    np.save(folder / "latlon_deg.npy", np.array([(lat, 5.0) for lat in lats]))
    np.save(folder / "features-00000.npy", np.zeros((len(lats), 1, 4), np.float16))
    config = {"rows": len(lats), "views": 1, "dim": 4}
    write_meta(folder, KIND, SCHEMA, {}, config, "0123456789abcdef", "")
    return load_store(folder)


def test_leaks_are_found_by_content_author_and_coordinates(tmp_path: Path) -> None:
    columns = make_columns(["p", "q", "r", None], ["ann", "bob", None, "cid"], [1.0, 2.0, 3.0, 4.0])
    store = make_store(tmp_path / "store", ["x", "q", "y"], ["bob", None, "ann"], [9.0, 8.0, 4.0000000001])
    hygiene = check_hygiene(columns, store, SilentReport())
    assert {name: flags.tolist() for name, flags in hygiene.flags.items() if name.startswith("leak")} == {
        "leak_content": [False, True, False, False],
        "leak_author": [True, True, False, False],
        "leak_location": [False, False, False, True],
    }
    assert hygiene.report["against"]["rows"] == 3
    assert hygiene.report["leak_content"] == {
        "photos": 1, "percent": 25.0, "examples": [["test 1", "train 1"]],
    }  # fmt: skip


def test_on_its_own_a_test_set_shows_repeats_and_placeholders() -> None:
    contents: list[str | None] = ["dead"] * 5 + ["a", "a", None]
    columns = make_columns(contents, ["ann"] * 2 + [None] * 6, [1.0, 1.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0])
    report = check_hygiene(columns, None, SilentReport()).report
    found = {name: each["photos"] for name, each in report.items() if name != "against"}
    assert found == {"is_same_content": 5, "is_same_author": 1, "is_same_location": 1, "is_placeholder": 5}
    assert report["against"] is None


def test_what_is_not_known_is_not_called_clean() -> None:
    report = check_hygiene(make_columns([None], [None], [1.0]), None, SilentReport()).report
    assert "is_same_content" not in report and "is_same_author" not in report


def write_rows(path: Path, header: str, rows: list[tuple]) -> Path:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([header.split(), *rows])
    return path


@pytest.fixture
def truth(tmp_path: Path) -> Path:
    return write_rows(
        tmp_path / "truth.csv", "IMG_ID AUTHOR LAT LON", [(f"{i}.jpg", f"a{i}", 40 + i, 5) for i in range(9)]
    )


def test_evaluate_counts_leaks_against_a_store(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    make_store(tmp_path / "store", ["x"], ["a3"], [44.0])
    answers = write_rows(
        tmp_path / "p.csv", "IMG_ID rank LAT LON", [(f"{i}.jpg", 1, 40 + i, 5) for i in range(9)]
    )
    asked = [
        "--predictions",
        answers,
        "--truth",
        truth,
        "--out",
        tmp_path / "run",
        "--against",
        tmp_path / "store",
    ]
    assert main(["evaluate", *map(str, asked), "--format", "json"]) == 0
    hygiene = json.loads(capsys.readouterr().out)["hygiene"]
    assert (hygiene["leak_author"]["photos"], hygiene["leak_location"]["photos"]) == (1, 1)
    assert main(["evaluate", *map(str, asked)]) == 0
    assert "1 photos by authors of the training features" in capsys.readouterr().out
    assert main(["evaluate", *map(str, asked[:-1]), str(tmp_path / "none")]) == 3


def test_swapped_answers_are_refused_though_every_number_is_possible(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = [(f"{i}.jpg", 1, 5, 40 + i) for i in range(9)]
    swapped = write_rows(tmp_path / "p.csv", "IMG_ID rank LAT LON", rows)
    assert main(["evaluate", "--predictions", str(swapped), "--truth", str(truth)]) == 2
    assert "swapped: 9 of 9" in capsys.readouterr().err


@pytest.mark.parametrize(
    "text, code", [("", 2), ("IMG_ID,rank,LAT,LON\n", 6), ("IMG_ID,LAT,LON\n0.jpg,1,1\n", 2)]
)
def test_an_empty_table_is_refused(
    truth: Path, tmp_path: Path, text: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    empty = tmp_path / "p.csv"
    empty.write_text(text)
    assert main(["evaluate", "--predictions", str(empty), "--truth", str(truth)]) == code
    said = capsys.readouterr()
    assert said.out == "" and "p.csv" in said.err and not (tmp_path / "run").exists()


def test_an_empty_truth_and_one_listed_twice_are_refused(truth: Path, tmp_path: Path) -> None:
    answers = write_rows(tmp_path / "p.csv", "IMG_ID rank LAT LON", [("0.jpg", 1, 40, 5)])
    with truth.open("a") as file:
        file.write("0.jpg,a0,40,5\n")
    assert main(["evaluate", "--predictions", str(answers), "--truth", str(truth)]) == 2
    truth.write_text("IMG_ID,LAT,LON\n")
    assert main(["evaluate", "--predictions", str(answers), "--truth", str(truth)]) == 6


def test_a_photo_without_an_id_in_the_answers_is_a_failure_and_counted(
    truth: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    answers = write_rows(
        tmp_path / "p.csv", "IMG_ID rank LAT LON", [("0.jpg", 1, 40, 5), ("zz.jpg", 1, 1, 1)]
    )
    asked = ["--predictions", answers, "--truth", truth, "--out", tmp_path / "run", "--format", "json"]
    assert main(["evaluate", *map(str, asked)]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (result["n"], result["failed"], result["rows_without_truth"]) == (9, 8, 1)
    assert result["within_km"]["1"] == pytest.approx(100 / 9, abs=0.01)
