"""What `evaluate` says and keeps: baselines, slices, every prediction, thumbnails, doubtful photos."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet
import pytest
from PIL import Image

from geotool.cli import main
from geotool.core.geo import LatLon
from geotool.core.records import ItemError
from geotool.core.report import SilentReport
from geotool.core.sphere import haversine_km
from geotool.evaluation.hygiene import check_hygiene
from geotool.evaluation.prediction_table import build_columns
from geotool.evaluation.run import Answer, Run, summarise, to_answer, write_run
from geotool.evaluation.thumbnails import SIDE_PX
from geotool.photos.manifest import Row
from tests.fakes import AREZZO, placed_prediction

SHARED = Path(__file__).resolve().parents[3] / "shared" / "data"
TOP5, TRUTH = SHARED / "im2gps3k_dev_geoclip_top5.csv", SHARED / "im2gps3k_dev_truth.csv"
FIVE = ("1", "25", "200", "750", "2500")
TOKYO = LatLon(lat=35.68, lon=139.69)


def write_table(path: Path, columns: str, rows: list[tuple[Any, ...]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([columns.split(), *rows])
    return path


def evaluate(capsys: pytest.CaptureFixture[str], *arguments: object) -> dict[str, Any]:
    assert main(["evaluate", *map(str, arguments), "--format", "json"]) == 0
    return json.loads(capsys.readouterr().out)


@pytest.fixture
def tables(tmp_path: Path) -> tuple[Path, Path, Path]:
    """Sixty photos by twelve authors, all answered with Italy: Japan is wrong, the last one is missing."""
    places = [(AREZZO if i % 3 else TOKYO, i) for i in range(60)]
    truth = write_table(
        tmp_path / "truth.csv",
        "IMG_ID AUTHOR LAT LON S3_Label brightness caption",
        [
            (f"{i}.jpg", f"author {i % 12}", p.lat, p.lon, i % 2, i / 100 + 0.001, f"photo {i}")
            for p, i in places
        ],
    )
    guesses = [(f"{i}.jpg", 1, AREZZO.lat, AREZZO.lon) for i in range(59)]
    gallery = write_table(tmp_path / "gallery.csv", "lat lon", [(43.5, 11.9), (36, 140), (0, 0)])
    return write_table(tmp_path / "predictions.csv", "IMG_ID rank LAT LON", guesses), truth, gallery


def test_baselines_slices_and_counts(
    tables: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, truth, gallery = tables
    run = tmp_path / "run"
    result = evaluate(
        capsys, "--predictions", predictions, "--truth", truth, "--gallery", gallery, "--out", run
    )
    assert (result["n"], result["failed"], result["within_km"]["25"]) == (60, 1, 65.0)
    assert result["bootstrap"]["by"] == "author" and result["bootstrap"]["groups"] == 12
    baselines = result["baselines"]
    assert baselines["gallery_ceiling"]["within_km"]["200"] == 100
    assert 0 < baselines["chance"]["within_km"]["200"] < 100
    assert baselines["vote"]["geoscore"] == result["geoscore"] == baselines["first_candidate"]["geoscore"]
    slices = {name: [(g["value"], g["n"]) for g in groups] for name, groups in result["slices"].items()}
    assert slices["continent"] == [("Europe", 40), ("Asia", 20)]
    assert slices["S3_Label"] == [("0", 30), ("1", 30)]
    assert [group["n"] for group in result["slices"]["brightness"]] == [15, 15, 15, 15]
    assert "caption" not in result["slices"] and "image_size" not in result["slices"]
    assert result["slices"]["country"][0]["within_km"]["25"] == 97.5
    assert (
        main(["evaluate", "--predictions", str(predictions), "--truth", str(truth), "--out", str(run)]) == 0
    )
    assert "no gallery" in capsys.readouterr().out.lower()


def test_every_prediction_is_in_the_table(
    tables: tuple[Path, Path, Path], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predictions, truth, _ = tables
    result = evaluate(capsys, "--predictions", predictions, "--truth", truth, "--out", tmp_path / "run")
    table = pyarrow.parquet.read_table(tmp_path / "run" / "predictions.parquet").to_pylist()
    assert json.loads((tmp_path / "run" / "metrics.json").read_text()) == result
    first, missing = table[0], table[59]
    assert (first["truth_country_code"], first["answer_country_code"], first["author"]) == (
        "JP",
        "IT",
        "author 0",
    )
    expected_km = haversine_km(np.array([AREZZO.lat, AREZZO.lon]), np.array([TOKYO.lat, TOKYO.lon]))
    assert first["error_km"] == pytest.approx(float(expected_km))
    assert first["geoscore"] == pytest.approx(5000 * math.exp(-expected_km / 1492.7))
    assert missing["error_km"] is None and missing["answer_lat"] is None and "no answer" in missing["failure"]
    assert first["label_S3_Label"] == "0" and first["places"][0]["mass"] == 1


def make_run(folder: Path) -> Run:
    """Four photos of a data set: two alike, one that is broken, one that is far off."""
    rows = []
    for name, colour in (("a.jpg", "red"), ("b.jpg", "red"), ("c.jpg", None), ("d.jpg", "blue")):
        path = folder / name
        if colour is None:
            path.write_bytes(b"broken")
        else:
            Image.new("RGB", (900, 600), colour).save(path, exif=Image.Exif())
        rows.append(Row(id=name, path=path, location=AREZZO, author="x" if name < "c" else None, root=folder))
    predictions = [
        placed_prediction(str(row.path), best=TOKYO if row.id == "d.jpg" else AREZZO) for row in rows
    ]
    predictions = [replace(prediction, timings_s={"total": 0.1}) for prediction in predictions]
    answers = [to_answer(prediction, row) for prediction, row in zip(predictions, rows, strict=True)]
    failure = ItemError(path="c.jpg", stage="read", message="broken")
    answers[2] = Answer(id="c.jpg", truth=AREZZO, failure=failure, row=rows[2])
    system = {"name": "fake", "fingerprint": "0"}
    return Run(answers=answers, unusable=[], system=system, vote_km=50.0, inputs={})


def test_thumbnails_are_small_bare_and_of_the_worst(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    columns = build_columns(run)
    hygiene = check_hygiene(columns, None, SilentReport())
    result = summarise(run, columns, hygiene)
    write_run(tmp_path / "run", run, columns, result, {}, 2, SilentReport())
    table = pyarrow.parquet.read_table(tmp_path / "run" / "predictions.parquet").to_pylist()
    kept = {row["id"]: row["thumbnail"] for row in table if row["thumbnail"]}
    assert list(kept) == ["d.jpg"]  # the broken one is the worst, but has no picture
    with Image.open(tmp_path / "run" / kept["d.jpg"]) as picture:
        assert max(picture.size) == SIDE_PX and not picture.getexif() and "comment" not in picture.info
    assert table[0]["hierarchy"][0]["name"] == "Europe" and table[0]["level"] == "city"
    assert table[0]["spread_km"] > 0 and table[0]["path"].endswith("a.jpg")
    assert {group["value"]: group["n"] for group in result["slices"]["image_size"]}["up to 1024 px"] == 3
    assert result["failed"] == 1 and result["recall_by_area"]["same_circle"][-1][1] == 100


def test_no_thumbnails_if_none_are_wanted(tmp_path: Path) -> None:
    run = make_run(tmp_path)
    columns = build_columns(run)
    result = summarise(run, columns, check_hygiene(columns, None, SilentReport()))
    write_run(tmp_path / "run", run, columns, result, {}, 0, SilentReport())
    assert not (tmp_path / "run" / "thumbnails").exists()


@pytest.mark.skipif(not TOP5.is_file(), reason="needs the tables shared by the team")
def test_the_figures_of_half_of_im2gps3k(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = evaluate(capsys, "--predictions", TOP5, "--truth", TRUTH, "--out", tmp_path / "run")
    assert [result["top1_within_km"][km] for km in FIVE] == [12.64, 31.49, 45.54, 64.12, 79.73]
    assert [result["within_km"][km] for km in FIVE] == [13.24, 32.77, 46.69, 65.00, 80.61]
    assert result["baselines"]["first_candidate"]["median_km"] == pytest.approx(296, abs=0.5)
    assert result["median_km"] == pytest.approx(274.3, abs=0.05)
    scenes = {group["value"]: group["n"] for group in result["slices"]["S3_Label"]}
    assert sum(scenes.values()) == 1480 and set(scenes) == {"0", "1", "2"}
