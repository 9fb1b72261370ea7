"""City, admin-1 and country of places, offline: GeoNames within the borders of the base map.

The country is the one whose outline lies around a place (`core/regions`); the city is the nearest one of that
country, never one across a border. docs/names.md tells what is stated how, and where it is coarse.
Shapes: N places, C cities.
"""

from __future__ import annotations

import itertools
import json
from dataclasses import dataclass
from functools import cache

import numpy as np

from geotool.core.paths import ASSETS_DIR
from geotool.core.regions import COAST_KM, NOWHERE, Region, find_regions
from geotool.core.sphere import haversine_km, to_xyz

GAZETTEER_DIR = ASSETS_DIR / "gazetteer"
CITY_KM = 100.0  # a city farther away than this names nothing
IN_CITY_KM = 25.0  # the city threshold of the evaluation: closer than this counts as in the city
AT_SEA = "at sea"
_KM_PER_DEG = 111.0  # of latitude, a little less than the truth


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceName:
    """What a place is called; what is not known is None. All None: at sea.

    `admin1` is the state, province or region of the city. `country_code` is that of `core.regions.Region`.
    """

    city: str | None = None
    admin1: str | None = None
    country: str | None = None
    country_code: str | None = None
    city_km: float | None = None  # to the middle of the city


@dataclass(frozen=True, slots=True)
class Gazetteer:
    """Cities in the order of their countries: a country's cities are a slice of the rows."""

    cities: tuple[str, ...]  # C
    latlon_deg: np.ndarray  # (C, 2)
    xyz: np.ndarray  # (C, 3)
    countries: tuple[tuple[str, str], ...]  # name and code, in the order of the rows
    country_starts: np.ndarray  # (countries + 1,)
    slices: dict[str, slice]  # the rows of each country
    by_lat: np.ndarray  # (C,) rows from south to north
    admin1: tuple[str | None, ...]  # in the order of the rows
    admin1_starts: np.ndarray  # (admin-1 + 1,)

    def rows_of(self, country: str) -> slice:
        """Where the cities of a country are, perhaps nowhere."""
        return self.slices.get(country, slice(0, 0))

    def find_nearest(self, latlon_deg: np.ndarray, rows: slice) -> np.ndarray:
        """(N, 2) places -> (N,) rows: the nearest city among `rows`, by the cosine of the angle between."""
        return rows.start + (to_xyz(latlon_deg) @ self.xyz[rows].T).argmax(axis=1)

    def find_off_map(self, latlon_deg: np.ndarray) -> int | None:
        """The row of the nearest city within COAST_KM of one (2,) place, if there is one."""
        lats_deg, reach_deg = self.latlon_deg[:, 0], COAST_KM / _KM_PER_DEG
        edges_deg = np.array([latlon_deg[0] - reach_deg, latlon_deg[0] + reach_deg], dtype=lats_deg.dtype)
        first, last = np.searchsorted(lats_deg, edges_deg, sorter=self.by_lat)
        near = self.by_lat[first:last]
        distances_km = haversine_km(self.latlon_deg[near], latlon_deg)
        if not len(near) or distances_km.min() > COAST_KM:
            return None
        return int(near[distances_km.argmin()])

    def to_names(self, rows: np.ndarray, latlon_deg: np.ndarray) -> list[PlaceName]:
        """The names of (N, 2) places after the cities in (N,) rows."""
        owners, divisions = (
            np.searchsorted(starts, rows, side="right") - 1
            for starts in (self.country_starts, self.admin1_starts)
        )
        away_km = haversine_km(self.latlon_deg[rows], latlon_deg)
        columns = (each.tolist() for each in (rows, owners, divisions, away_km))
        return [self._to_name(*each) for each in zip(*columns, strict=True)]

    def _to_name(self, row: int, owner: int, division: int, city_km: float) -> PlaceName:
        """Beyond CITY_KM, the country alone."""
        country, code = self.countries[owner]
        if city_km > CITY_KM:
            return PlaceName(country=country, country_code=code)
        admin1 = self.admin1[division]
        return PlaceName(
            city=self.cities[row], admin1=admin1, country=country, country_code=code, city_km=city_km
        )


def find_names(latlon_deg: np.ndarray) -> list[PlaceName]:
    """One PlaceName for each of (N, 2) places in degrees.

    Where the base map shows the sea, a city within COAST_KM tells of an island that it leaves out.
    """
    regions = find_regions(latlon_deg)
    names = [PlaceName()] * len(regions)
    for region in set(regions):
        members = [index for index, each in enumerate(regions) if each == region]
        for index, name in zip(members, _name_within(region, latlon_deg[members]), strict=True):
            names[index] = name
    return names


def describe(name: PlaceName) -> str:
    """In words, such as "Arezzo, Tuscany, Italy", "61 km from Arlit, Agadez, Niger" or "at sea"."""
    city = name.city
    if city and name.city_km is not None and name.city_km > IN_CITY_KM:
        city = f"{name.city_km:.0f} km from {city}"
    parts = [part for part in (city, name.admin1, name.country) if part]
    return ", ".join(dict.fromkeys(parts)) or AT_SEA  # a city state says its name once


def _name_within(region: Region, latlon_deg: np.ndarray) -> list[PlaceName]:
    """(N, 2) places of one region -> N names."""
    gazetteer = load_gazetteer()
    if region == NOWHERE:
        return [_name_off_map(gazetteer, place) for place in latlon_deg]
    rows = gazetteer.rows_of(region.country or "")
    if rows.start == rows.stop:  # no city is known there, as in the Antarctic
        country = region.country or region.continent
        return [PlaceName(country=country, country_code=region.country_code)] * len(latlon_deg)
    return gazetteer.to_names(gazetteer.find_nearest(latlon_deg, rows), latlon_deg)


def _name_off_map(gazetteer: Gazetteer, latlon_deg: np.ndarray) -> PlaceName:
    row = gazetteer.find_off_map(latlon_deg)
    return PlaceName() if row is None else gazetteer.to_names(np.array([row]), latlon_deg[None])[0]


@cache
def load_gazetteer() -> Gazetteer:
    """Read assets/gazetteer, some hundredths of a second; tools/build_gazetteer.py says what it holds."""
    table = json.loads((GAZETTEER_DIR / "countries.json").read_text(encoding="utf-8"))
    latlon_deg = np.load(GAZETTEER_DIR / "latlon_deg.npy", allow_pickle=False)
    names = (GAZETTEER_DIR / "names.txt").read_text(encoding="utf-8")
    divisions = [division for _, _, divisions in table for division in divisions]
    country_starts = _to_starts([sum(count for _, count in divisions) for _, _, divisions in table])
    spans = itertools.pairwise(country_starts.tolist())
    return Gazetteer(
        cities=tuple(names.removesuffix("\n").split("\n")),
        latlon_deg=latlon_deg,
        xyz=to_xyz(latlon_deg),
        countries=tuple((name, code) for name, code, _ in table),
        country_starts=country_starts,
        by_lat=latlon_deg[:, 0].argsort(kind="stable"),
        slices={name: slice(*span) for (name, _, _), span in zip(table, spans, strict=True)},
        admin1=tuple(name for name, _ in divisions),
        admin1_starts=_to_starts([count for _, count in divisions]),
    )


def _to_starts(counts: list[int]) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts)])
