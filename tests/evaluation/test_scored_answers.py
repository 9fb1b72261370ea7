"""From a written run to a calibration beside a model, through the commands."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from geotool.answer.calibration import load_calibration
from geotool.commands import calibrate, evaluate
from geotool.core.artifacts import new_artifact, write_json
from geotool.core.errors import GeotoolError, MismatchError, NotFoundError, UsageError
from geotool.core.paths import PROJECT_DIR
from geotool.core.report import SilentReport
from geotool.evaluation.run import KIND, SCHEMA
from geotool.evaluation.scored_answers import read_scored

SHARED = PROJECT_DIR.parent / "shared" / "data"
TOP5, TRUTH = SHARED / "im2gps3k_dev_geoclip_top5.csv", SHARED / "im2gps3k_dev_truth.csv"


def write_table(path: Path, columns: str, rows: list[list[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns.split(), *rows])
    return path


def write_run(folder: Path, n: int = 240, ranks: int = 6, model: bool = True) -> Path:
    """Candidates north of the answer, half a degree apart for odd photos; every tenth has no answer."""
    inputs = {"model": "weights-gallery"} if model else {"predictions": "1", "truth": "2"}
    with new_artifact(folder, KIND, SCHEMA, inputs, {}) as temporary:
        candidates = [
            [f"{i}.jpg", rank, 10 + (rank if i % 2 else 0) * 0.5, i % 90, "", 1]
            for i in range(n)
            for rank in range(1, ranks + 1)
        ]
        answers = [[f"{i}.jpg", *([10, i % 90, 1, 1, i] if i % 10 else [""] * 5)] for i in range(n)]
        write_table(temporary / "predictions.csv", "IMG_ID rank LAT LON cosine error_km", candidates)
        write_table(temporary / "answers.csv", "IMG_ID lat lon radius_km mass error_km", answers)
        write_json(temporary / "metrics.json", {"model": {"name": "tiny", "fingerprint": "weights-gallery"}})
    return folder


def test_a_run_gives_first_candidates_answers_and_errors(tmp_path: Path) -> None:
    scored = read_scored(write_run(tmp_path / "run"))
    assert len(scored) == 216  # those with an answer
    assert scored.error_km[0] == 1 and scored.answer_deg[0].tolist() == [10, 1]
    np.testing.assert_allclose(scored.first_deg[0], [[10.5 + 0.5 * i, 1] for i in range(5)])
    assert len(set(scored.groups)) == 216


def test_authors_are_the_groups(tmp_path: Path) -> None:
    rows = [[f"{i}.jpg", f"author {i % 7}"] for i in range(240)]
    scored = read_scored(write_run(tmp_path / "run"), write_table(tmp_path / "a.csv", "IMG_ID AUTHOR", rows))
    assert len(set(scored.groups)) == 7 and scored.groups[0] == "author 1"
    with pytest.raises(UsageError, match=r"239\.jpg"):
        read_scored(tmp_path / "run", write_table(tmp_path / "b.csv", "IMG_ID AUTHOR", rows[:-1]))
    with pytest.raises(NotFoundError):
        read_scored(tmp_path / "run", tmp_path / "none.csv")


def test_fewer_than_five_candidates_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="--top-k 5"):
        read_scored(write_run(tmp_path / "run", ranks=3))


@pytest.mark.parametrize("text", ["", "IMG_ID,lat\n1,2\n", "IMG_ID,lat,lon,error_km\n1,a,b,c\n"])
def test_a_damaged_run_is_refused(tmp_path: Path, text: str) -> None:
    folder = write_run(tmp_path / "run")
    (folder / "answers.csv").write_text(text)
    with pytest.raises(GeotoolError):
        read_scored(folder)


def run_calibrate(**values: object) -> None:
    calibrate.run(calibrate.Config(**values), SilentReport())  # type: ignore[arg-type]


def test_calibrate_writes_a_file_for_the_model_of_the_run(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run_calibrate(run=write_run(tmp_path / "run"), out=tmp_path / "calibration.json", format="json")
    printed = json.loads(capsys.readouterr().out)
    fitted = load_calibration(tmp_path / "calibration.json")
    fitted.check_model("tiny", "weights")
    assert printed["n"] == 216 and printed["fingerprint"] == fitted.fingerprint
    assert printed["source"]["model"] == "weights-gallery" and len(printed["source"]["run"]) == 16
    run_calibrate(run=tmp_path / "run", out=tmp_path / "calibration.json")
    assert "80 % radius" in capsys.readouterr().out


def test_whose_answers_they_are_has_to_be_said_once(tmp_path: Path) -> None:
    table = write_run(tmp_path / "table", model=False)
    with pytest.raises(UsageError, match="--model"):
        run_calibrate(run=table, out=tmp_path / "c.json")
    run_calibrate(run=table, out=tmp_path / "c.json", model="geoclip")
    load_calibration(tmp_path / "c.json").check_model("geoclip", "any weights")
    with pytest.raises(UsageError, match="tiny"):
        run_calibrate(run=write_run(tmp_path / "run"), out=tmp_path / "c.json", model="geoclip")


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="evaluate"):
        run_calibrate(run=tmp_path, out=tmp_path / "c.json")
    (tmp_path / "meta.json").write_text("{}")
    with pytest.raises(MismatchError):
        run_calibrate(run=tmp_path, out=tmp_path / "c.json")


@pytest.mark.skipif(not TOP5.is_file(), reason="needs the tables shared by the team")
def test_the_radii_hold_for_authors_that_were_not_used(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    scored = evaluate.Config(predictions=TOP5, truth=TRUTH, out=tmp_path / "run", format="json")
    evaluate.run(scored, SilentReport())
    run_calibrate(run=tmp_path / "run", groups=TRUTH, model="geoclip", out=tmp_path / "c.json")
    held = load_calibration(tmp_path / "c.json").facts["held_out"]
    assert held["coverage50"]["mean"] == pytest.approx(50, abs=4)
    assert held["coverage80"]["mean"] == pytest.approx(80, abs=4)
    assert held["auroc_25km"]["mean"] >= 0.83
