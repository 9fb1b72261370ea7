"""Countries of many places at once: what `regions.find_region` says of one, for galleries of millions."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Collection
from functools import cache
from typing import NamedTuple

import numpy as np

from geotool.core.geo import EARTH_RADIUS_KM
from geotool.core.paths import ASSETS_DIR
from geotool.core.regions import COAST_KM, Outlines, load_continents, load_outlines

CODES3_FILE = ASSETS_DIR / "basemap" / "codes3.json"
_COAST_DEG = float(np.degrees(COAST_KM / EARTH_RADIUS_KM))
_CHUNK = 50_000  # places paired with edges at a time: about 200 MB
_ROW_DEG = 1000.0  # between the keys of two bands of latitude: more than any longitude


class Country(NamedTuple):
    """A country of the base map: ISO 3166-1 alpha-2 and alpha-3 (XK and XKX for Kosovo), and its name."""

    code: str
    code3: str
    name: str


@cache
def load_countries() -> tuple[Country, ...]:
    """All countries that a place can lie in, by name."""
    continents, codes3 = load_continents(), load_codes3()
    names: dict[str, str] = {}
    for name, code in continents.codes.items():
        full = continents.full_names.get(name, name)
        # Islands and parts share a country's code; its own name is the shortest: Australia, Cyprus, Somalia.
        names[code] = min(full, names.get(code, full), key=len)
    countries = (Country(code, codes3[code], name) for code, name in names.items())
    return tuple(sorted(countries, key=lambda country: unicodedata.normalize("NFKD", country.name)))


@cache
def load_codes3() -> dict[str, str]:
    """Alpha-3 of every alpha-2 code of ISO 3166-1, also of those without an outline on the base map."""
    codes: dict[str, str] = json.loads(CODES3_FILE.read_text(encoding="utf-8"))
    return codes


def lie_in_countries(latlon_deg: np.ndarray, codes: Collection[str]) -> np.ndarray:
    """(N,) bool: which of (N, 2) places in degrees lie in countries of these alpha-2 codes."""
    lat, lon = np.asarray(latlon_deg, dtype=np.float64).T
    rows = np.flatnonzero(_lie_in_boxes(lat, lon, codes))
    inside = np.zeros(len(lat), dtype=bool)
    inside[rows] = np.isin(find_country_codes(latlon_deg[rows]), list(codes))
    return inside


def find_country_codes(latlon_deg: np.ndarray) -> np.ndarray:
    """(N,) alpha-2 codes of (N, 2) places in degrees, "" at sea; a second for 100 000 places."""
    lat, lon = np.array(latlon_deg, dtype=np.float64).T
    lon = np.where((lon >= -180) & (lon < 180), lon, (lon + 180) % 360 - 180)
    outlines, order = load_outlines(), np.argsort(lat, kind="stable")
    owners = np.empty(len(lat), dtype=np.int64)
    for start in range(0, len(order), _CHUNK):
        rows = order[start : start + _CHUNK]
        owners[rows] = _find_owners(outlines, lat[rows], lon[rows])
    return _to_codes(outlines, owners, lat, lon)


def _to_codes(outlines: Outlines, owners: np.ndarray, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(N,) codes of the countries that own the places, -1 for none; parts have codes of their own."""
    continents = load_continents()
    codes = np.array([*(continents.codes.get(name, "") for name in outlines.names), ""])[owners]
    for part in reversed(continents.parts):  # the first one that holds a place decides
        south, west, north, east = part.box
        is_here = (south <= lat) & (lat <= north) & (west <= lon) & (lon <= east)
        is_here &= owners == outlines.names.index(part.country)
        codes[is_here] = continents.codes.get(part.name, "")
    return codes


def _lie_in_boxes(lat: np.ndarray, lon: np.ndarray, codes: Collection[str]) -> np.ndarray:
    """Which places lie around the outlines of the codes: cheap, and never says no to one inside."""
    outlines, continents = load_outlines(), load_continents()
    names = {name for name, code in continents.codes.items() if code in codes}
    names |= {part.country for part in continents.parts if part.name in names}
    around = np.zeros(len(lat), dtype=bool)
    for owner in (owner for owner, name in enumerate(outlines.names) if name in names):
        lons, lats = outlines.start[outlines.owner == owner].T  # rings are closed: starts are all corners
        south, north = lats.min() - _COAST_DEG, lats.max() + _COAST_DEG
        reach = _to_lon_reach(max(-south, north))
        west, east = lons.min() - reach, lons.max() + reach
        if west <= -180 or east >= 180:
            west, east = -np.inf, np.inf
        around |= (south <= lat) & (lat <= north) & (west <= lon) & (lon <= east)
    return around


def _to_lon_reach(lat: np.ndarray | float) -> np.ndarray:
    """Degrees of longitude that COAST_KM spans at a latitude, at most half the circle."""
    return np.minimum(180, _COAST_DEG / np.cos(np.radians(np.minimum(np.abs(lat), 89.99))))


def _find_owners(outlines: Outlines, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """(n,) numbers of the countries around or near places with rising `lat`; -1 at sea."""
    bounds = np.sort(np.stack([outlines.start[:, 1], outlines.end[:, 1]]), axis=0)  # (2, E)
    near = (bounds[1] >= lat[0] - _COAST_DEG) & (bounds[0] <= lat[-1] + _COAST_DEG)
    edges = _Edges(outlines.owner[near], *outlines.start[near].T, *outlines.end[near].T)
    owners = _find_around(edges, lat, lon)
    outside = np.flatnonzero(owners < 0)
    owners[outside] = _find_nearby(edges, lat[outside], lon[outside])
    return owners


class _Edges(NamedTuple):
    """Edges of the outlines from (x0, y0) to (x1, y1) in degrees, and whose they are; (E,) each."""

    owner: np.ndarray
    x0: np.ndarray
    y0: np.ndarray
    x1: np.ndarray
    y1: np.ndarray


def _find_around(edges: _Edges, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """Even-odd rule as in Outlines, over pairs of an edge and a place whose parallel it crosses."""
    first = np.searchsorted(lat, np.minimum(edges.y0, edges.y1))
    last = np.searchsorted(lat, np.maximum(edges.y0, edges.y1))
    edge, place = _list_pairs(first, last)
    owner, x0, y0, x1, y1 = (column[edge] for column in edges)
    east = x0 + (lat[place] - y0) / (y1 - y0) * (x1 - x0) > lon[place]
    owners = int(edges.owner.max(initial=0)) + 1
    crossed, times = np.unique(place[east] * owners + owner[east], return_counts=True)
    odd = crossed[times % 2 == 1][::-1]
    found = np.full(len(lat), -1)
    found[odd // owners] = odd % owners  # written last, the first country stays, as in Outlines
    return found


def _find_nearby(edges: _Edges, lat: np.ndarray, lon: np.ndarray) -> np.ndarray:
    """The owner of the nearest edge within COAST_KM of each place, else -1."""
    edge, place = _list_near_pairs(edges, lat, lon)
    owner, x0, y0, x1, y1 = (column[edge] for column in edges)
    shrink = np.cos(np.radians(lat[place]))
    along = np.stack([(x1 - x0) * shrink, y1 - y0], axis=1)
    offset = np.stack([((x0 - lon[place] + 180) % 360 - 180) * shrink, y0 - lat[place]], axis=1)
    length2 = np.maximum((along**2).sum(axis=1), 1e-12)
    share = np.clip(-(offset * along).sum(axis=1) / length2, 0, 1)  # of the edge, to its nearest point
    distance_deg = np.linalg.norm(offset + share[:, None] * along, axis=1)
    near = np.flatnonzero(distance_deg <= _COAST_DEG)
    order = near[np.lexsort((edge[near], distance_deg[near], place[near]))][::-1]
    found = np.full(len(lat), -1)
    found[place[order]] = owner[order]  # written last, the nearest stays
    return found


def _list_near_pairs(edges: _Edges, lat: np.ndarray, lon: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Numbers of edges and of places that may be within COAST_KM of each other, on either side of the seam.

    Places are sorted by bands of latitude and by longitude within, so that those near an edge are ranges.
    """
    keys = np.floor((lat + 90) / _COAST_DEG) * _ROW_DEG + lon + 180
    order = np.argsort(keys, kind="stable")
    south, north = np.minimum(edges.y0, edges.y1) - _COAST_DEG, np.maximum(edges.y0, edges.y1) + _COAST_DEG
    first, last = (np.floor((bound + 90) / _COAST_DEG).astype(np.int64) for bound in (south, north))
    edge, band = _list_pairs(first, last + 1)
    reach = _to_lon_reach(np.maximum(-south, north))[edge]
    west = np.minimum(edges.x0, edges.x1)[edge] - reach + 180
    east = np.maximum(edges.x0, edges.x1)[edge] + reach + 180
    pairs = []
    for turn in (-360, 0, 360):
        stops = [band * _ROW_DEG + np.clip(bound + turn, -1, 361) for bound in (west, east)]
        number, place = _list_pairs(*(np.searchsorted(keys[order], stop) for stop in stops))
        pairs.append((edge[number], order[place]))
    return np.concatenate([pair[0] for pair in pairs]), np.concatenate([pair[1] for pair in pairs])


def _list_pairs(first: np.ndarray, last: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """All (i, j) with first[i] <= j < last[i], as two arrays."""
    counts = np.maximum(last - first, 0)
    number = np.repeat(np.arange(len(counts)), counts)
    return number, np.arange(len(number)) - np.repeat(np.cumsum(counts) - counts - first, counts)
