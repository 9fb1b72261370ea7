from __future__ import annotations

import csv
import io
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction
from geotool.output import export
from tests.fakes import SEARCH, fake_prediction, placed_prediction, unknown_prediction

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


@pytest.mark.parametrize(
    "name",
    ["=1+1", "@sum", "+1", "-1", "\t=1", "a;=1+1", "a\n=1", " \uff1d1+1", "a;\t@x", "\r=1"],
)
def test_no_column_of_text_holds_a_formula(name: str) -> None:
    prediction = placed_prediction(f"{name}.jpg")
    place = replace(prediction.places[0], name=name, admin1=name, country_code=name)
    level = replace(SEARCH.path[0], name=name)
    hostile = replace(prediction, places=(place,), search=replace(SEARCH, path=(level,)))
    text = export.to_text([hostile, ItemError(path=name, stage="read", message=name)], "csv")
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    texts = [value for row in rows for key, value in row.items() if key not in {"lat", "lon"}]
    assert sum("'" in value for value in texts) >= 6
    for value in texts:
        for cell in re.split(r"[;\t\r\n]", value):
            assert not cell.strip().startswith(("=", "+", "-", "@", "\uff1d")), value


def test_places_come_first_in_table_and_csv() -> None:
    placed = placed_prediction("a.jpg", truth=MILAN)
    lines = export.to_text([placed], "table").splitlines()
    assert re.sub(" +", " ", lines[1]) == " 1 Arezzo, Tuscany, Italy 43.4700, 11.8800 radius 8 km mass 62 %"
    assert "radius" not in lines[2]  # one candidate
    assert "City level: half of such answers are within 12 km, four out of five within 240 km." in lines[4]
    rows = list(csv.DictReader(io.StringIO(export.to_text([placed], "csv"))))
    assert [row["role"] for row in rows] == ["place"] * 3 + ["candidate"] * 5
    first = rows[0]
    assert (first["name"], first["admin1"], first["country_code"]) == ("Arezzo", "Tuscany", "IT")
    assert (first["radius_km"], first["mass"], first["level"]) == ("8.4", "0.62", "city")
    assert (first["radius50_km"], first["radius80_km"]) == ("12.3", "240.0")
    assert [bool(row["error_km"]) for row in rows] == [True] + [False] * 7


def test_a_spreadsheet_has_one_row_per_photo_where_it_is_filtered_by_the_first_place() -> None:
    names = ["a.jpg", "b.jpg"]
    text = export.to_text([placed_prediction(name, truth=MILAN) for name in names], "csv")
    assert text.startswith("photo,role,rank,name,admin1,country_code,lat,lon,radius_km,mass,level,")
    rows = list(csv.DictReader(io.StringIO(text)))
    answers = [row for row in rows if (row["role"], row["rank"]) == ("place", "1")]
    assert [row["photo"] for row in answers] == names
    for column in ("level", "radius50_km", "error_km", "path"):
        assert [row for row in rows if row[column]] == answers, column


def test_a_measured_unknown_says_so_everywhere() -> None:
    vague = placed_prediction("vague.jpg", "unknown", (4000.0, 9000.0))
    for format in ("table", "csv", "kml", "html"):
        assert "cannot say where the picture was taken" in export.to_text([vague], format), format
        assert "half of such answers" not in export.to_text([vague], format), format


def test_json_names_the_parts_of_a_place() -> None:
    [entry] = export.results_document([placed_prediction()])["results"]
    expected = {"lat", "lon", "radius_km", "mass", "name", "admin1", "country_code"}
    assert expected <= set(entry["places"][0]) and entry["places"][0]["admin1"] == "Tuscany"
    assert entry["confidence"] == {"radius50_km": 12.3, "radius80_km": 240.0, "level": "city"}


@pytest.mark.parametrize("format", export.FORMATS)
def test_photos_of_one_name_stay_distinct_and_in_order(format: str) -> None:
    names = ["x/a.jpg", "y/a.jpg", "c.jpg", "x/bad.jpg"]
    located = [fake_prediction(name) for name in names[:3]]
    failed = ItemError(path=names[3], stage="read", message="Broken.")
    text = export.to_text([*located, failed], format).replace("\\\\", "/")
    places = [text.index(name) for name in (*names[:3], "bad.jpg")]
    assert places == sorted(places)


@pytest.mark.parametrize("format", export.FORMATS)
def test_a_name_that_is_no_text_can_be_written(format: str, tmp_path: Path) -> None:
    name = os.fsdecode(b"caf\xe9.jpg")
    export.write(export.to_text([fake_prediction(name)], format), tmp_path / "out")
    text = (tmp_path / "out").read_text(encoding="utf-8")
    assert "caf" in text
    if format == "json":
        assert json.loads(text)["results"][0]["photo"]["path"] == name


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
    for nowhere in (tmp_path / "missing" / "out.json", tmp_path):
        with pytest.raises(UsageError):
            export.check_writable(nowhere)
