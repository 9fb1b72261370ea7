from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction
from geotool.output import export
from tests.fakes import fake_prediction, unknown_prediction

MILAN = LatLon(lat=45.4642, lon=9.19)
ERROR = ItemError(path="broken.jpg", stage="read", message="The file is no picture.")


@pytest.fixture
def results() -> list[Prediction | ItemError]:
    return [fake_prediction("a.jpg", truth=MILAN), ERROR, unknown_prediction("street.jpg")]


def test_document_has_one_entry_per_input_and_the_promised_keys(results: list) -> None:
    document = json.loads(export.to_text(results, "json"))
    assert [entry["photo"]["path"] for entry in document["results"]] == ["a.jpg", "street.jpg"]
    assert document["errors"] == [
        {"path": "broken.jpg", "stage": "read", "message": "The file is no picture."}
    ]
    first = document["results"][0]
    assert set(first) == {
        "photo", "candidates", "places", "confidence", "error_km", "search", "model", "timings_s",
    }  # fmt: skip
    assert first["photo"]["truth"] == {"lat": 45.4642, "lon": 9.19, "source": "exif"}
    assert first["candidates"][0] == {"rank": 1, "lat": 43.47, "lon": 11.88, "cosine": pytest.approx(0.32)}
    assert first["error_km"] == results[0].error_km
    assert (first["search"]["comparisons"], first["search"]["gallery_size"]) == (1086, 94100)
    assert first["search"]["path"][1] == {
        "name": "Italy", "mass": 0.706, "lat": 43.2, "lon": 11.9, "width_km": 700.0,
    }  # fmt: skip
    assert document["results"][1]["search"] is None


def test_an_unknown_answer_has_no_candidates_and_no_error(results: list) -> None:
    entry = export.results_document(results)["results"][1]
    assert (entry["candidates"], entry["error_km"], entry["confidence"]["level"]) == ([], None, "unknown")


def test_a_number_that_is_not_finite_is_never_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        export.to_text([replace(fake_prediction(), timings_s={"read": float("nan")})], "json")


def test_table_names_every_input_and_the_error(results: list) -> None:
    text = export.to_text(results, "table")
    assert "43.4700, 11.8800" in text
    assert "error 308 km" in text
    assert text.count("  path Europe 93 % > Italy 71 % > 43.5 N 11.8 E 40 %\n") == 1
    assert "broken.jpg\n  not read: The file is no picture." in text


def test_a_file_name_cannot_move_the_cursor() -> None:
    assert "\x1b" not in export.to_text([fake_prediction("\x1b[2Jevil.jpg")], "table")


def test_csv_has_a_row_per_candidate_and_neutralises_formulas(results: list) -> None:
    results.append(fake_prediction("=cmd|' /C calc'!A0", top_k=1))
    rows = list(csv.DictReader(io.StringIO(export.to_text(results, "csv"))))
    assert [row["photo"] for row in rows].count("a.jpg") == 5
    assert [row["error_km"] for row in rows[:2]] == [str(results[0].error_km), ""]
    assert [(row["path"], row["comparisons"]) for row in rows[:2]] == [
        ("Europe 93 % > Italy 71 % > 43.5 N 11.8 E 40 %", "1086"), ("", ""),
    ]  # fmt: skip
    assert rows[5]["message"] == "The file is no picture."
    assert rows[-1]["photo"].startswith("'=")


def test_geojson_is_lon_first(results: list) -> None:
    document = json.loads(export.to_text(results, "geojson"))
    first, truth = document["features"][0], document["features"][5]
    assert first["geometry"]["coordinates"] == [11.88, 43.47]
    assert truth["geometry"]["coordinates"] == [9.19, 45.4642]
    assert truth["properties"]["role"] == "truth"
    assert document["errors"][0]["photo"] == "broken.jpg"


def test_kml_is_lon_first_and_survives_any_name() -> None:
    name = "<b>&\x00\x1b${x}.jpg"
    root = ElementTree.fromstring(export.to_text([fake_prediction(name, truth=MILAN), ERROR], "kml"))
    space = {"k": "http://www.opengis.net/kml/2.2"}
    assert root.findtext(".//k:Point/k:coordinates", namespaces=space) == "11.88,43.47"
    assert root.findtext(".//k:LineString/k:coordinates", namespaces=space) == "11.88,43.47 9.19,45.4642"
    names = [name.text for name in root.findall(".//k:Folder/k:name", namespaces=space)]
    assert names == ["<b>&\ufffd\ufffd${x}.jpg", "broken.jpg"]


def test_unknown_format_is_refused(results: list) -> None:
    with pytest.raises(UsageError, match="pdf"):
        export.to_text(results, "pdf")


def test_write_replaces_the_file_and_names_what_is_wrong(tmp_path: Path) -> None:
    export.write("one", tmp_path / "out.json")
    export.write("two", tmp_path / "out.json")
    assert [path.name for path in tmp_path.iterdir()] == ["out.json"]
    assert (tmp_path / "out.json").read_text(encoding="utf-8") == "two"
    with pytest.raises(UsageError, match="cannot be written"):
        export.write("three", tmp_path / "missing" / "out.json")
