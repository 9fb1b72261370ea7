from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from geotool.core.geo import LatLon, geodesic_km
from geotool.core.records import Candidate, Confidence, Heat, Place, Prediction
from geotool.output import maps
from geotool.output.answer_overlay import answer_overlay
from geotool.output.map_geometry import fill_of, ring
from tests.fakes import AREZZO, fake_prediction, unknown_prediction

FIJI = LatLon(lat=-17.8, lon=179.5)
HEAT = Heat(mass=np.full((18, 36), 1 / 648), coverage=np.ones((18, 36)))


def place(center: LatLon, mass: float, first_rank: int, **names: str) -> Place:
    candidates = tuple(
        Candidate(rank=rank, cosine=0.2, gallery_row=rank, location=replace(center, lon=center.lon + step))
        for step, rank in enumerate(range(first_rank, first_rank + 3))
    )
    return Place(center=center, radius_km=50, mass=mass, candidates=candidates, **names)


def with_places(best: LatLon = AREZZO, radius80_km: float = 240.0) -> Prediction:
    places = (
        place(best, 0.64, 1, name="Arezzo`${x}", admin1="Tuscany", country_code="IT"),
        place(LatLon(lat=40.4, lon=-3.7), 0.16, 4),
    )
    confidence = Confidence(level="city", radius50_km=12.0, radius80_km=radius80_km)
    return replace(fake_prediction(), places=places, confidence=confidence)


def test_pins_are_places_sized_by_their_mass() -> None:
    document = maps.build_map(with_places())
    assert document.count("spoken") == 2
    assert "Arezzo&#96;&#36;{x}, Tuscany, IT (43.4700, 11.8800), 64 %" in document
    assert '"iconSize": [34, 34]' in document
    assert '"iconSize": [20, 20]' in document


def test_candidates_are_linked_to_their_place_on_its_side_of_the_seam() -> None:
    first, second = answer_overlay(with_places(best=FIJI))["places"]
    assert (first["number"], first["center"]) == (1, [-17.8, 179.5])
    assert [candidate[1] for candidate in first["candidates"]] == pytest.approx([179.5, 180.5, 181.5])
    assert second["center"][1] == pytest.approx(356.3)
    assert second["candidates"][0][2] == "Candidate 4: 40.4000, -3.7000, cosine 0.200"


def test_circles_are_those_of_the_calibration() -> None:
    half, most = answer_overlay(with_places())["circles"]
    assert (half["kind"], half["label"]) == ("half", "50 % within 12 km")
    assert (most["kind"], most["label"]) == ("most", "80 % within 240 km")
    for circle, radius_km in ((half, 12), (most, 240)):
        for lat, lon in circle["outline"]:
            assert geodesic_km(AREZZO, LatLon(lat=lat, lon=lon)) == pytest.approx(radius_km, rel=1e-3)


def test_without_calibration_or_answer_there_is_no_circle() -> None:
    uncalibrated = replace(with_places(), confidence=Confidence(level="city"))
    assert answer_overlay(uncalibrated)["circles"] == []
    assert answer_overlay(fake_prediction()) == {"circles": [], "places": []}
    assert answer_overlay(unknown_prediction()) == {"circles": [], "places": []}


def count_crossings(polygon: np.ndarray, lats: np.ndarray, lons: np.ndarray) -> np.ndarray:
    """(n,) how often a line to the east of each place crosses a closed (m, 2) polygon."""
    (lat0, lon0), (lat1, lon1) = polygon.T[..., None], np.roll(polygon, -1, axis=0).T[..., None]  # (m, 1)
    level = (lat0 <= lats) != (lat1 <= lats)  # (m, n)
    with np.errstate(divide="ignore", invalid="ignore"):
        return (level & (lon0 + (lats - lat0) / (lat1 - lat0) * (lon1 - lon0) > lons)).sum(axis=0)


@pytest.mark.parametrize(
    ("center", "radius_km"),
    [
        (AREZZO, 300), (FIJI, 900), (LatLon(lat=72, lon=-40), 4000), (LatLon(lat=-80, lon=170), 2500),
        (LatLon(lat=89.9, lon=0), 100), (LatLon(lat=20, lon=-40), 13_000), (LatLon(lat=-30, lon=100), 9_857),
    ],
)  # fmt: skip
def test_a_fill_holds_what_the_circle_holds(center: LatLon, radius_km: float) -> None:
    """Against the distance itself, wherever the pole, the seam or both poles are inside."""
    fill = fill_of(ring(center, radius_km, center.lon), center, radius_km)
    rng = np.random.default_rng(0)
    lats, lons = rng.uniform(-84, 84, 300), rng.uniform(center.lon - 180, center.lon + 180, 300)
    crossings = sum(count_crossings(np.array(part), lats, lons) for part in fill)
    for lat, lon, inside in zip(lats, lons, crossings % 2 == 1, strict=True):
        distance_km = geodesic_km(center, LatLon(lat=lat, lon=lon))
        if abs(distance_km - radius_km) > 60:  # a chord between two points of the outline cuts off a little
            assert inside == (distance_km < radius_km)


def test_heat_is_a_layer_only_where_it_can_be_had() -> None:
    assert "heat:" in maps.build_map(fake_prediction(), heat=HEAT)
    assert "data:image/png" in maps.to_html([fake_prediction()], HEAT)
    assert "data:image/png" not in maps.to_html([fake_prediction(), fake_prediction("b.jpg")], HEAT)
    assert maps.build_map(fake_prediction(), heat_on_demand=True).count('"Heat"') == 1
    for document in (maps.build_map(fake_prediction()), maps.build_map(None, heat_on_demand=True)):
        assert '"Heat"' not in document


def test_the_overlay_is_plain_json() -> None:
    json.dumps(answer_overlay(with_places(radius80_km=9_857)), allow_nan=False)
