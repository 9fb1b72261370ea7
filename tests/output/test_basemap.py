"""The shipped base map: what the scripts in tools/ promise about their files."""

from __future__ import annotations

import json
from itertools import pairwise

from geotool.output.maps import BASEMAP_DIR


def test_no_outline_jumps_across_the_map() -> None:
    features = json.loads((BASEMAP_DIR / "countries.geojson").read_text(encoding="utf-8"))["features"]
    assert len(features) > 230
    for feature in features:
        rings = [ring for polygon in feature["geometry"]["coordinates"] for ring in polygon]
        for (x, y), (next_x, next_y) in (pair for ring in rings for pair in pairwise(ring)):
            assert -540 <= x <= 540
            assert -90 <= y <= 90
            along_the_pole = abs(y) == abs(next_y) == 90
            assert abs(next_x - x) < 180 or along_the_pole, feature["properties"]["name"]


def test_cities_are_many_and_start_with_the_largest() -> None:
    cities = json.loads((BASEMAP_DIR / "cities.json").read_text(encoding="utf-8"))
    assert len(cities) > 10_000
    assert all(isinstance(name, str) and -90 <= lat <= 90 and -180 <= lon <= 180 for name, lat, lon in cities)
    assert "Istanbul" in [name for name, _, _ in cities[:10]]
