import json

import numpy as np
import pytest

from geotool.core.regions import (
    CODES_FILE,
    CONTINENTS_FILE,
    NOWHERE,
    Region,
    find_region,
    find_regions,
    load_outlines,
)

# From an atlas, not from our outlines: inland, coast, island, both sides of the antimeridian.
KNOWN = {
    "Arezzo": (43.47, 11.88, "Europe", "Italy"),
    "Venice, in its lagoon": (45.437, 12.335, "Europe", "Italy"),
    "Nice, on the shore": (43.695, 7.271, "Europe", "France"),
    "Lisbon": (38.72, -9.14, "Europe", "Portugal"),
    "Nairobi": (-1.29, 36.82, "Africa", "Kenya"),
    "Maseru, a country in a country": (-29.31, 27.49, "Africa", "Lesotho"),
    "Reykjavik": (64.15, -21.94, "Europe", "Iceland"),
    "Male, an atoll": (4.175, 73.51, "Asia", "Maldives"),
    "Ushuaia": (-54.8, -68.3, "South America", "Argentina"),
    "Suva, west of the antimeridian": (-18.14, 178.44, "Oceania", "Fiji"),
    "Taveuni, east of it": (-16.85, -179.97, "Oceania", "Fiji"),
    "Anadyr": (64.73, 177.5, "Asia", "Russia"),
    "Uelen": (66.16, -169.8, "Asia", "Russia"),
    "Moscow": (55.75, 37.62, "Europe", "Russia"),
    "Istanbul": (41.01, 28.95, "Europe", "Turkey"),
    "Bebek, on the Bosphorus": (41.077, 29.043, "Europe", "Turkey"),
    "Kandilli, across it": (41.075, 29.061, "Asia", "Turkey"),
    "Ankara": (39.93, 32.86, "Asia", "Turkey"),
    "Vorkuta, west of the Urals": (67.5, 64.05, "Europe", "Russia"),
    "Labytnangi, east of them": (66.66, 66.4, "Asia", "Russia"),
    "Cape Zhelaniya, Novaya Zemlya": (76.95, 68.55, "Europe", "Russia"),
    "Ras Gharib, west of the Gulf of Suez": (28.36, 33.07, "Africa", "Egypt"),
    "El Tor, east of it": (28.24, 33.62, "Asia", "Egypt"),
    "Atyrau": (47.1, 51.88, "Europe", "Kazakhstan"),
    "Sorong, New Guinea": (-0.87, 131.25, "Oceania", "Indonesia"),
    "Tual, Moluccas": (-5.63, 132.75, "Asia", "Indonesia"),
    "Honolulu": (21.31, -157.86, "Oceania", "United States"),
    "Kinshasa": (-4.35, 15.31, "Africa", "Democratic Republic of the Congo"),
    "Cayenne": (4.92, -52.31, "South America", "French Guiana"),
    "Kralendijk": (12.15, -68.27, "North America", "Caribbean Netherlands"),
    "Ceuta, across the strait": (35.889, -5.316, "Africa", "Spain"),
    "Gibraltar": (36.14, -5.353, "Europe", "Gibraltar"),
    "Saint Peter's Square": (41.902, 12.457, "Europe", "Vatican"),
    "Rome, on both sides of it": (41.903, 12.435, "Europe", "Italy"),
    "San Marino": (43.936, 12.447, "Europe", "San Marino"),
    "Funafuti, an atoll": (-8.52, 179.2, "Oceania", "Tuvalu"),
    "McMurdo": (-77.85, 166.67, "Antarctica", None),
    "South Pole": (-90.0, 123.0, "Antarctica", None),
}
SEA = {
    "North Pole": (90.0, 0.0),
    "Atlantic": (30.0, -40.0),
    "Pacific on the antimeridian": (0.0, 180.0),
    "Gulf of Guinea": (0.0, 0.0),
    "Southern Ocean": (-60.0, 179.9),
    "Bass Strait, 60 km off": (-40.0, 146.0),
}


@pytest.mark.parametrize("name", KNOWN)
def test_known_places(name: str) -> None:
    lat, lon, continent, country = KNOWN[name]
    assert find_region(lat, lon)[:2] == (continent, country)


@pytest.mark.parametrize("name", SEA)
def test_the_sea_belongs_to_nobody(name: str) -> None:
    assert find_region(*SEA[name]) == NOWHERE


def test_country_codes_are_iso_3166_and_differ() -> None:
    codes = json.loads(CODES_FILE.read_text(encoding="utf-8"))
    table = json.loads(CONTINENTS_FILE.read_text(encoding="utf-8"))
    parts = {part["name"] for part in table["parts"] if "name" in part}
    assert set(codes) == {*load_outlines().names, *parts} - {"Siachen Glacier"}
    assert all(len(code) == 2 and code.isascii() and code.isupper() for code in codes.values())
    belongs_elsewhere = {"Ashmore and Cartier Is.": "AU", "N. Cyprus": "CY", "Somaliland": "SO"}
    assert belongs_elsewhere.items() <= codes.items()
    assert len(set(codes.values())) == len(codes) - len(belongs_elsewhere)


def test_many_places_at_once_and_any_longitude() -> None:
    assert find_regions(np.array([(55.75, 37.62 + 360), (66.16, 190.2), (30.0, -40.0)])) == [
        Region("Europe", "Russia", "RU"),
        Region("Asia", "Russia", "RU"),
        NOWHERE,
    ]
    assert find_region(71.2, 180.0) == find_region(71.2, -180.0) == Region("Asia", "Russia", "RU")


def test_a_harbour_counts_and_the_open_sea_does_not() -> None:
    """Genoa's shore lies at 44.40 N: 10 km and 40 km south of it."""
    assert find_region(44.31, 8.9).country == "Italy"
    assert find_region(44.04, 8.9) == NOWHERE


def test_land_has_its_share_of_the_earth() -> None:
    """29 % of the Earth is land; coastal waters and undrawn lakes add a little."""
    rng = np.random.default_rng(0)
    lat, lon = np.degrees(np.arcsin(rng.uniform(-1, 1, 1500))), rng.uniform(-180, 180, 1500)
    regions = find_regions(np.stack([lat, lon], axis=1))
    assert 0.27 < np.mean([region != NOWHERE for region in regions]) < 0.37


def test_every_country_of_the_map_has_one_continent() -> None:
    table, names = json.loads(CONTINENTS_FILE.read_text(encoding="utf-8")), load_outlines().names
    listed = [country for countries in table["continents"].values() for country in countries]
    assert sorted(listed) == sorted(names)
    assert len(table["continents"]) == 7
    assert {part["country"] for part in table["parts"]} | set(table["full_names"]) <= set(names)
    assert {part["continent"] for part in table["parts"]} <= set(table["continents"])
    for south, west, north, east in (part["box"] for part in table["parts"]):
        assert -90 <= south < north <= 90
        assert -180 <= west < east <= 180
