"""Names of places: against an atlas, shapely's point-in-polygon and scikit-learn's nearest neighbour."""

from __future__ import annotations

import json

import numpy as np
import pytest
import shapely
from shapely.geometry import shape

from geotool.answer.gazetteer import CITY_KM, PlaceName, describe, find_names, load_gazetteer
from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.regions import CONTINENTS_FILE, OUTLINES_FILE

# lat, lon, how it is described, country code
KNOWN = {
    "Arezzo": (43.47, 11.88, "Arezzo, Tuscany, Italy", "IT"),
    "a quarter of a city": (51.511, -0.184, "London, England, United Kingdom", "GB"),
    "Fiji, west of the antimeridian": (-18.14, 178.44, "Suva, Central, Fiji", "FJ"),
    "Fiji, east of it": (-16.85, -179.97, "85 km from Labasa, Northern, Fiji", "FJ"),
    "Chukotka, west of it": (64.73, 177.5, "Anadyr, Chukotka, Russia", "RU"),
    "Chukotka, east of it": (66.16, -169.8, "84 km from Lavrentiya, Chukotka, Russia", "RU"),
    "Lesotho": (-29.31, 27.49, "Maseru, Maseru District, Lesotho", "LS"),
    "Vatican": (41.9022, 12.4539, "Vatican City, Vatican", "VA"),
    "San Marino": (43.936, 12.447, "San Marino", "SM"),
    "Kosovo": (42.66, 21.16, "Pristina, Kosovo", "XK"),
    "Taiwan": (22.63, 120.3, "Kaohsiung, Takao, Taiwan", "TW"),
    "Crimea": (44.95, 34.1, "Simferopol, Crimea, Russia", "RU"),
    "north of Cyprus": (35.337, 33.318, "Kyrenia, Keryneia, Northern Cyprus", "CY"),
    "overseas": (-20.88, 55.45, "Saint-Denis, Réunion", "RE"),
    "an atoll the map leaves out": (-0.6, 73.09, "Hithadhoo, Seenu, Maldives", "MV"),
    "a desert": (22.0, 0.0, "Algeria", "DZ"),
    "the Antarctic": (-77.85, 166.67, "Antarctica", "AQ"),
    "the ocean": (30.0, -40.0, "at sea", None),
}
BORDER_TOWNS = {  # a town, the far side of the border beside it
    "Strasbourg": (48.583, 7.747, "FR", "Kehl"),
    "Kehl": (48.574, 7.85, "DE", "Strasbourg"),
    "Tijuana": (32.50, -117.03, "MX", "San Diego"),
    "Kinshasa": (-4.35, 15.31, "CD", "Brazzaville"),
    "Detroit": (42.36, -83.07, "US", "Windsor"),
}


def name_at(lat: float, lon: float) -> PlaceName:
    [name] = find_names(np.array([(lat, lon)]))
    return name


def sample_sphere(count: int, seed: int) -> np.ndarray:
    """(count, 2) places, evenly over the Earth."""
    rng = np.random.default_rng(seed)
    return np.stack([np.degrees(np.arcsin(rng.uniform(-1, 1, count))), rng.uniform(-180, 180, count)], axis=1)


@pytest.mark.parametrize("key", KNOWN)
def test_known_places(key: str) -> None:
    lat, lon, words, code = KNOWN[key]
    name = name_at(lat, lon)
    assert (describe(name), name.country_code) == (words, code)


@pytest.mark.parametrize("town", BORDER_TOWNS)
def test_a_city_never_comes_from_across_the_border(town: str) -> None:
    lat, lon, code, beyond = BORDER_TOWNS[town]
    name = name_at(lat, lon)
    assert name.country_code == code
    assert name.city is not None and name.city != beyond


def test_countries_agree_with_shapely_on_random_land() -> None:
    features = json.loads(OUTLINES_FILE.read_text(encoding="utf-8"))["features"]
    table = json.loads(CONTINENTS_FILE.read_text(encoding="utf-8"))
    whole = {part["name"]: part["country"] for part in table["parts"] if "name" in part}
    short_names = {full: short for short, full in table["full_names"].items()}
    tree = shapely.STRtree([shapely.make_valid(shape(feature["geometry"])) for feature in features])
    latlon_deg = sample_sphere(7500, seed=4)
    place, outline = tree.query(shapely.points(latlon_deg[:, ::-1]), predicate="intersects")
    place, first = np.unique(place, return_index=True)
    place, outline = place[:2000], outline[first][:2000]
    assert len(place) == 2000
    expected = [features[index]["properties"]["name"] for index in outline]
    found = [short_names.get(name.country or "", name.country) for name in find_names(latlon_deg[place])]
    agree = [want in (got, whole.get(got or "")) for want, got in zip(expected, found, strict=True)]
    assert np.mean(agree) >= 0.995


def test_the_city_is_the_nearest_of_its_country() -> None:
    from sklearn.neighbors import BallTree

    gazetteer, latlon_deg = load_gazetteer(), sample_sphere(400, seed=5)
    named = [
        (place, name) for place, name in zip(latlon_deg, find_names(latlon_deg), strict=True) if name.city
    ]
    assert len(named) > 40
    for country in {name.country for _, name in named}:
        tree = BallTree(
            np.radians(gazetteer.latlon_deg[gazetteer.rows_of(country or "")]), metric="haversine"
        )
        members = [(place, name.city_km) for place, name in named if name.country == country]
        places, city_km = zip(*members, strict=True)
        distance, _ = tree.query(np.radians(places))
        np.testing.assert_allclose(city_km, distance[:, 0] * EARTH_RADIUS_KM, atol=0.01)
        assert max(city_km) <= CITY_KM


def test_any_longitude_any_number_of_places() -> None:
    assert find_names(np.empty((0, 2))) == []
    assert describe(name_at(43.47, 11.88 + 360)) == describe(name_at(43.47, 11.88))
    names = find_names(np.array([(30.0, -40.0), (43.47, 11.88), (30.0, -40.0)]))
    assert [name.city for name in names] == [None, "Arezzo", None]


def test_a_distant_city_is_said_to_be_distant() -> None:
    niger = PlaceName(city="Arlit", admin1="Agadez", country="Niger", country_code="NE", city_km=61.4)
    assert describe(niger) == "61 km from Arlit, Agadez, Niger"
    assert describe(PlaceName()) == "at sea"


def test_the_gazetteer_is_complete_and_small() -> None:
    gazetteer = load_gazetteer()
    rows = len(gazetteer.cities)
    assert rows > 100_000
    assert gazetteer.latlon_deg.shape == (rows, 2)
    assert gazetteer.country_starts[-1] == gazetteer.admin1_starts[-1] == rows
    assert len({name for name, _ in gazetteer.countries}) == len(gazetteer.countries) > 230
    assert all(gazetteer.cities)
