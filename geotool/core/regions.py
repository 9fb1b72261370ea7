"""Continent, country and country code of a place, from the outlines of the base map, read on first use."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache, lru_cache
from itertools import chain
from typing import NamedTuple

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM, wrap_lon
from geotool.core.paths import ASSETS_DIR

OUTLINES_FILE = ASSETS_DIR / "basemap" / "countries.geojson"
CONTINENTS_FILE = ASSETS_DIR / "basemap" / "continents.json"
CODES_FILE = ASSETS_DIR / "basemap" / "codes.json"
# Twelve nautical miles, a country's territorial sea: islets and harbours that a coarse outline leaves out.
COAST_KM = 22.2
_COAST_DEG = float(np.degrees(COAST_KM / EARTH_RADIUS_KM))
_TALL_DEG = 0.5  # edges higher than that are few: they are looked at for every place


class Region(NamedTuple):
    """Where a place lies. All None: at sea. The Antarctic is a continent with a code and no country.

    `country_code` is ISO 3166-1 alpha-2, and XK for Kosovo; what ISO counts to another country has its code.
    """

    continent: str | None
    country: str | None
    country_code: str | None


NOWHERE = Region(None, None, None)

_Span = tuple[int, int]  # rows, from the first up to the last


@dataclass(frozen=True, slots=True)
class Outlines:
    """The edges of all countries: low ones by the latitude of their lower end, tall ones last."""

    names: tuple[str, ...]
    owner: np.ndarray  # (E,) into names
    start: np.ndarray  # (E, 2) lon, lat degrees; lon may leave -180..180, where a twin stands in
    end: np.ndarray  # (E, 2)
    bottom: np.ndarray  # (low edges,) rising: the lower latitude of each

    def find(self, lat: float, lon: float) -> str | None:
        """The country around a place, else the nearest one within COAST_KM, else None."""
        first, last = np.searchsorted(self.bottom, (lat - _TALL_DEG - _COAST_DEG, lat + _COAST_DEG)).tolist()
        spans = ((first, last), (len(self.bottom), len(self.owner)))
        return self._find_around(spans, lat, lon) or self._find_nearby(spans, lat, lon)

    def _find_around(self, spans: tuple[_Span, ...], lat: float, lon: float) -> str | None:
        """Even-odd rule: a ray to the east leaves what is around the place an odd number of times."""
        # Views, not copies: of the thousands of edges at a latitude, some tens cross the parallel.
        rows = np.concatenate([self._list_crossing(span, lat) for span in spans])
        (x0, y0), (x1, y1) = self.start[rows].T, self.end[rows].T
        east = x0 + (lat - y0) / (y1 - y0) * (x1 - x0) > lon
        odd = np.flatnonzero(np.bincount(self.owner[rows[east]], minlength=1) % 2)
        return self.names[odd[0]] if len(odd) else None

    def _list_crossing(self, span: _Span, lat: float) -> np.ndarray:
        """The edges that cross a parallel."""
        start, end = (each[slice(*span), 1] for each in (self.start, self.end))
        return span[0] + np.flatnonzero((start <= lat) != (end <= lat))

    def _find_nearby(self, spans: tuple[_Span, ...], lat: float, lon: float) -> str | None:
        """By the distance to edges in a plane around the place, true at this scale."""
        shrink = np.array([max(np.cos(np.radians(lat)), 1e-9), 1.0])
        reach_deg = _COAST_DEG / shrink[0]
        rows = np.concatenate([self._list_beside(span, lon, reach_deg) for span in spans])
        offset = self.start[rows] - (lon, lat)  # (n, 2)
        offset[:, 0] = (offset[:, 0] + 180) % 360 - 180
        along = (self.end[rows] - self.start[rows]) * shrink
        offset *= shrink
        length2 = np.maximum((along**2).sum(axis=1), 1e-12)
        share = np.clip(-(offset * along).sum(axis=1) / length2, 0, 1)  # of the edge, to its nearest point
        distance_deg = np.linalg.norm(offset + share[:, None] * along, axis=1)
        if not len(rows) or distance_deg.min() > _COAST_DEG:
            return None
        return self.names[self.owner[rows[distance_deg.argmin()]]]

    def _list_beside(self, span: _Span, lon: float, reach_deg: float) -> np.ndarray:
        """The edges that may come so near to a meridian, on either side of the antimeridian."""
        start, end = (each[slice(*span), 0] for each in (self.start, self.end))
        return span[0] + np.flatnonzero(abs(abs(start - lon) - 180) >= 180 - reach_deg - abs(end - start))


@lru_cache(maxsize=65536)  # the same gallery points come up again and again
def find_region(lat: float, lon: float) -> Region:
    """Continent and country of one place in degrees; about 0.05 ms once the map is read."""
    lon = wrap_lon(lon)
    country = load_outlines().find(lat, lon)
    return load_continents().to_region(country, lat, lon) if country else NOWHERE


def find_regions(latlon_deg: np.ndarray) -> list[Region]:
    """One Region for each of (N, 2) places in degrees."""
    return [find_region(lat, lon) for lat, lon in latlon_deg.tolist()]


@cache
def load_outlines() -> Outlines:
    """Read the base map, about a tenth of a second."""
    features = json.loads(OUTLINES_FILE.read_text(encoding="utf-8"))["features"]
    rings = [
        (owner, ring)
        for owner, feature in enumerate(features)
        for polygon in feature["geometry"]["coordinates"]
        for ring in polygon
    ]
    points = np.fromiter(chain.from_iterable(chain.from_iterable(ring for _, ring in rings)), float)
    points = points.reshape(-1, 2)
    sizes = [len(ring) for _, ring in rings]
    owner = np.repeat([owner for owner, _ in rings], sizes)
    rows = np.delete(np.arange(len(points)), np.cumsum(sizes) - 1)  # a ring's last point starts no edge
    bottom = np.minimum(points[rows, 1], points[rows + 1, 1])
    tall = abs(points[rows + 1, 1] - points[rows, 1]) > _TALL_DEG
    order = np.lexsort((bottom, tall))
    rows, low = rows[order], int((~tall).sum())
    names = tuple(feature["properties"]["name"] for feature in features)
    return Outlines(names, owner[rows], points[rows], points[rows + 1], bottom[order][:low])


class Part(NamedTuple):
    """What lies apart from the rest of its country: on another continent, perhaps by a name of its own."""

    country: str
    continent: str
    name: str
    box: tuple[float, float, float, float]  # south, west, north, east in degrees

    def holds(self, lat: float, lon: float) -> bool:
        """Whether a place of the country lies there."""
        south, west, north, east = self.box
        return south <= lat <= north and west <= lon <= east


@dataclass(frozen=True, slots=True)
class Continents:
    """Which continent a country of the base map lies in, what it is called in full, and its ISO code."""

    of: dict[str, str]
    full_names: dict[str, str]
    codes: dict[str, str]
    parts: tuple[Part, ...]
    parts_of: dict[str, tuple[Part, ...]]  # the same by country

    def to_region(self, country: str, lat: float, lon: float) -> Region:
        """The Region of a place in a country of the base map."""
        for part in self.parts_of.get(country, ()):
            if part.holds(lat, lon):
                return self._to_region(part.continent, part.name)
        return self._to_region(self.of.get(country), country)

    def _to_region(self, continent: str | None, country: str) -> Region:
        name = None if country == continent else self.full_names.get(country, country)
        return Region(continent, name, self.codes.get(country))


@cache
def load_continents() -> Continents:
    """Read the tables beside the base map, about a millisecond."""
    table = json.loads(CONTINENTS_FILE.read_text(encoding="utf-8"))
    of = {country: continent for continent, countries in table["continents"].items() for country in countries}
    parts = tuple(
        Part(part["country"], part["continent"], part.get("name", part["country"]), tuple(part["box"]))
        for part in table["parts"]
    )
    codes = json.loads(CODES_FILE.read_text(encoding="utf-8"))
    parts_of = {
        name: tuple(part for part in parts if part.country == name)
        for name in {part.country for part in parts}
    }
    return Continents(of, table["full_names"], codes, parts, parts_of)
