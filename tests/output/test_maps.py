from __future__ import annotations

import hashlib
import json
import re
from itertools import pairwise

import pytest

from geotool.core.geo import LatLon, geodesic_km
from geotool.output import maps
from geotool.output.map_geometry import geodesic_line, near, ring, truth_overlay
from geotool.output.map_layers import escape, leaflet_dir
from tests.fakes import fake_prediction, unknown_prediction

FIJI, SAMOA = LatLon(lat=-17.8, lon=178.0), LatLon(lat=-13.8, lon=-171.8)
LEAFLET_SHA256 = {
    "leaflet.js": "db49d009c841f5ca34a888c96511ae936fd9f5533e90d8b2c4d57596f4e5641a",
    "leaflet.css": "a7837102824184820dfa198d1ebcd109ff6d0ff9a2672a074b9a1b4d147d04c6",
}


def urls(text: str) -> set[str]:
    return set(re.findall(r"https?://[^\"'\s<)]+", text))


def test_the_window_map_names_no_other_server() -> None:
    document = maps.build_map(fake_prediction(), [fake_prediction("other.jpg")])
    assert urls(document) == set()
    assert 'src="/vendor/leaflet/leaflet.js"' in document
    assert 'href="/vendor/map/map.css"' in document
    assert document.count("spoken") == 5


def test_one_file_holds_everything_and_may_load_nothing() -> None:
    document = maps.to_html([fake_prediction(truth=FIJI)])
    assert "default-src 'none'" in document
    assert 'id="countries.geojson"' in document
    assert not re.search(r"<(script|link|img)[^>]+(src|href)=", document)
    # What is left are Leaflet's namespaces, comments and its own address in the attribution.
    assert urls(document) <= {
        "http://www.w3.org/2000/svg",
        "https://leafletjs.com",
        "https://bugzilla.mozilla.org/show_bug.cgi?id=888319",
        "https://bugs.chromium.org/p/chromium/issues/detail?id=600120",
    }


def test_one_file_for_many_photos_has_a_pin_per_answer() -> None:
    results = [fake_prediction("a.jpg"), unknown_prediction("b.jpg"), fake_prediction("c.jpg", best=FIJI)]
    document = maps.to_html(results)
    assert document.count('class=\\"spoken') == 2
    assert "c.jpg" in document


@pytest.mark.parametrize("name", ["a${alert(1)}`b.jpg", "<img src=x onerror=alert(1)>.jpg", "\\u0060.jpg"])
def test_a_file_name_cannot_become_code(name: str) -> None:
    text = escape(name)
    assert not set("`<>\\$") & set(text)
    document = maps.build_map(fake_prediction("x.jpg"), [fake_prediction(name)])
    assert name not in document
    assert text in document


def test_an_unknown_answer_has_no_pin() -> None:
    assert "pin-1" not in maps.build_map(unknown_prediction())


def test_the_line_takes_the_short_way_over_the_180th_meridian() -> None:
    line = geodesic_line(FIJI, SAMOA)
    assert all(abs(a[1] - b[1]) < 5 for a, b in pairwise(line))
    assert line[0] == [-17.8, 178.0]
    assert line[-1] == pytest.approx([-13.8, 188.2])


@pytest.mark.parametrize("center", [FIJI, LatLon(lat=89.5, lon=0), LatLon(lat=0, lon=0)])
def test_every_point_of_a_ring_is_as_far_away(center: LatLon) -> None:
    points = ring(center, 750, reference=center.lon)
    distances = [geodesic_km(center, LatLon(lat=lat, lon=lon)) for lat, lon in points]
    assert distances == pytest.approx([750] * len(points), abs=0.01)
    assert all(abs(a[1] - b[1]) <= 180 for a, b in pairwise(points))


def test_the_overlay_carries_the_error_of_the_prediction() -> None:
    prediction = fake_prediction(best=SAMOA, truth=FIJI)
    overlay = truth_overlay(prediction)
    assert overlay["label"] == "1\u2009180 km"
    assert prediction.error_km == pytest.approx(1180, abs=5)
    assert overlay["truth"] == overlay["line"][-1]
    assert [r["label"] for r in overlay["rings"]] == ["1 km", "25 km", "200 km", "750 km", "2\u2009500 km"]
    assert all(abs(point[1] - overlay["truth"][1]) < 180 for r in overlay["rings"] for point in r["points"])
    json.dumps(overlay, allow_nan=False)


def test_without_answer_or_truth_there_is_no_line() -> None:
    assert truth_overlay(fake_prediction()) == {"truth": None}
    overlay = truth_overlay(unknown_prediction(truth=FIJI))
    assert overlay["truth"] == [-17.8, 178.0]
    assert "line" not in overlay


def test_near_moves_by_whole_turns() -> None:
    assert (near(-179, 179), near(10, 370), near(10, 20)) == (181, 370, 10)


@pytest.mark.parametrize("name", LEAFLET_SHA256)
def test_leaflet_is_the_published_one(name: str) -> None:
    digest = hashlib.sha256((leaflet_dir() / name).read_bytes()).hexdigest()
    assert digest == LEAFLET_SHA256[name]
