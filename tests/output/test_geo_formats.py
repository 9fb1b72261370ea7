"""GeoJSON against RFC 7946 and KML against the OGC schema, both by other people's code."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction
from geotool.output import export
from tests.fakes import fake_prediction, placed_prediction, unknown_prediction

FIJI = LatLon(lat=-17.8, lon=178.0)
HOSTILE = '<b>&"\x00\x1b${x}😀\udce9.jpg'


@pytest.fixture
def results() -> list[Prediction | ItemError]:
    return [
        placed_prediction("a/city.jpg", truth=FIJI),
        ItemError(path="broken.jpg", stage="read", message="No picture: <>&\x07."),
        unknown_prediction("street.jpg"),
        placed_prediction("b/city.jpg", "unknown"),
        fake_prediction(HOSTILE, best=FIJI),
    ]


def test_geojson_follows_rfc_7946(results: list) -> None:
    models = pytest.importorskip("geojson_pydantic", reason="geojson-pydantic is not installed")
    text = export.to_text(results, "geojson")
    collection = models.FeatureCollection.model_validate_json(text.encode("utf-8", "backslashreplace"))
    roles = [feature.properties["role"] for feature in collection.features]
    assert roles[:9] == ["place"] * 3 + ["candidate"] * 5 + ["truth"]
    for feature in collection.features:
        assert (feature.geometry is None) == (feature.properties["role"] == "unknown")
        if feature.geometry is not None:
            lon, lat = feature.geometry.coordinates[:2]
            assert -180 <= lon <= 180 and -90 <= lat <= 90


def test_geojson_says_of_the_answer_how_far_to_trust_it(results: list) -> None:
    first, second, *_ = json.loads(export.to_text(results, "geojson"))["features"]
    assert first["properties"]["error_km"] == results[0].error_km
    wanted = {"name": "Arezzo", "admin1": "Tuscany", "country_code": "IT", "radius_km": 8.4, "mass": 0.62}
    wanted |= {"rank": 1, "level": "city", "radius50_km": 12.3, "radius80_km": 240.0}
    assert wanted.items() <= first["properties"].items()
    assert not {"error_km", "level"} & set(second["properties"])


def test_kml_follows_the_ogc_schema(results: list) -> None:
    validator = pytest.importorskip("fastkml.validator", reason="fastkml is not installed")
    etree = pytest.importorskip("lxml.etree", reason="lxml is not installed")
    root = etree.fromstring(export.to_text(results, "kml").encode())
    assert validator.get_schema_parser() is not None and validator.validate(element=root)
    root[0].insert(0, etree.SubElement(root[0], f"{{{root.nsmap[None]}}}coordinates"))
    with pytest.raises(AssertionError):  # the schema is really there
        validator.validate(element=root)


def test_another_reader_finds_the_places_in_the_kml(results: list) -> None:
    fastkml = pytest.importorskip("fastkml", reason="fastkml is not installed")
    document = fastkml.KML.from_string(export.to_text(results, "kml").encode()).features[0]
    folders = document.features
    assert [folder.name for folder in folders][:4] == ["a/city.jpg", "broken.jpg", "street.jpg", "b/city.jpg"]
    marks = folders[0].features
    assert marks[0].name == "Arezzo, Tuscany, Italy" and "mass 62 %" in marks[0].description
    assert marks[0].geometry.coords[0][:2] == pytest.approx((11.88, 43.47))
    assert f"sha256 {results[0].photo.photo_id}" in folders[0].description
    assert marks[-1].name == "Error" and len(marks[-1].geometry.coords) == 2


def test_geojson_survives_numbers_of_other_libraries() -> None:
    numpy = pytest.importorskip("numpy")
    prediction = placed_prediction()
    place = replace(prediction.places[0], radius_km=numpy.float32(2), mass=numpy.float32(0.5))
    assert json.loads(export.to_text([replace(prediction, places=(place,))], "geojson"))
