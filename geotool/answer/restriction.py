"""Where an answer may lie: countries, boxes and circles as people type them after `--within`.

One value may name several areas with semicolons between them, and the option may be given several times;
an answer may lie in any of the areas:

    IT,FR                 countries by ISO 3166-1 code, two or three letters
    43,10,45,12           a box: south,west,north,east; west may lie east of east, across the antimeridian
    43.5,11.9,50          a circle: lat,lon,km
"""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon, wrap_lon

if TYPE_CHECKING:
    import numpy as np

    from geotool.core.countries import Country

EXAMPLES = (
    "Give country codes as IT,FR, a box as south,west,north,east or a circle as lat,lon,km, "
    "with decimal points, and semicolons between several areas."
)
# No codes of ISO 3166, but in use: of the European Union, and reserved for the United Kingdom.
_OTHER_CODES = {"UK": "GB", "EL": "GR"}
_MAX_LON = 540  # a map that was turned round once counts on
_MINUS_SIGNS = str.maketrans(dict.fromkeys("−–—‒‐‑﹣－", "-"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Box:
    """Latitudes from south to north, longitudes from west eastwards to east, in degrees.

    West may be larger than east: the box crosses the antimeridian. Longitudes of a map that was turned
    round (-540 to 540) are wrapped; 360 degrees and more are all of them.
    Raises UsageError for a box that has no area or is not on the Earth.
    """

    south: float
    west: float
    north: float
    east: float

    def __post_init__(self) -> None:
        _check_box(self.south, self.west, self.north, self.east)
        is_whole_turn = self.east - self.west >= 360
        west, east = (-180.0, 180.0) if is_whole_turn else (wrap_lon(self.west), wrap_lon(self.east))
        object.__setattr__(self, "west", west)
        object.__setattr__(self, "east", 180.0 if east == -180 else east)

    @property
    def width_deg(self) -> float:
        """From west eastwards to east, more than 0 and at most 360."""
        return (self.east - self.west) % 360 or 360.0

    @property
    def description(self) -> str:
        south, north = (_name_degrees(lat, "NS") for lat in (self.south, self.north))
        west, east = (_name_degrees(lon, "EW") for lon in (self.west, self.east))
        return f"between {south} and {north}" + (f", {west} and {east}" if self.width_deg < 360 else "")

    def __str__(self) -> str:
        return f"{self.south:.12g},{self.west:.12g},{self.north:.12g},{self.east:.12g}"

    def allows(self, latlon_deg: np.ndarray) -> np.ndarray:
        """(N,) bool for (N, 2) degrees, the edges included."""
        lat, lon = latlon_deg.astype(float).T
        return (self.south <= lat) & (lat <= self.north) & ((lon - self.west) % 360 <= self.width_deg)


@dataclass(frozen=True, slots=True, kw_only=True)
class Circle:
    """All places within `radius_km` of a centre, along great circles.

    Raises UsageError for a radius that is not above 0.
    """

    center: LatLon
    radius_km: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.radius_km) and self.radius_km > 0):
            raise UsageError(
                f"The radius of a circle cannot be {self.radius_km:g} km.", "Give a number of km above 0."
            )

    @property
    def description(self) -> str:
        return f"within {self.radius_km:.6g} km of {self.center.lat:.6g}, {self.center.lon:.6g}"

    def __str__(self) -> str:
        return f"{self.center.lat:.12g},{self.center.lon:.12g},{self.radius_km:.12g}"

    def allows(self, latlon_deg: np.ndarray) -> np.ndarray:
        """(N,) bool for (N, 2) degrees."""
        import numpy as np

        from geotool.core.sphere import haversine_km

        center_deg = np.array([self.center.lat, self.center.lon])
        return haversine_km(latlon_deg, center_deg) <= self.radius_km


@dataclass(frozen=True, slots=True, kw_only=True)
class Restriction:
    """Areas of which an answer may lie in any: countries (alpha-2 codes), boxes and circles.

    `str` of it is what `--within` reads back.
    """

    countries: tuple[str, ...] = ()
    areas: tuple[Box | Circle, ...] = ()

    @property
    def description(self) -> str:
        """In words: "Italy, France or within 50 km of 43.5, 11.9"."""
        names = ", ".join(_by_code()[code].name for code in self.countries)
        return " or ".join([*filter(None, [names]), *(area.description for area in self.areas)])

    def __str__(self) -> str:
        codes = [",".join(self.countries)] if self.countries else []
        return ";".join([*codes, *map(str, self.areas)])

    def allows(self, latlon_deg: np.ndarray) -> np.ndarray:
        """(N,) bool for (N, 2) places in degrees. A country has its coastal waters, as everywhere here."""
        import numpy as np

        from geotool.core.countries import lie_in_countries

        allowed = np.zeros(len(latlon_deg), dtype=bool)
        for area in self.areas:
            allowed |= area.allows(latlon_deg)
        if self.countries and not allowed.all():
            rest = np.flatnonzero(~allowed)
            allowed[rest] = lie_in_countries(latlon_deg[rest], self.countries)
        return allowed


def parse_within(values: Iterable[str]) -> Restriction | None:
    """The restriction that the values of `--within` say together, None where there is no value.

    Raises UsageError with the remedy for what cannot be meant.
    """
    codes: list[str] = []
    areas: list[Box | Circle] = []
    for text in (part for value in values for part in value.split(";")):
        if re.search(r"\d", text) or not text.strip():
            areas.append(_parse_area(text))
        else:
            codes += [_parse_code(code.strip()) for code in text.split(",")]
    if not codes and not areas:
        return None
    return Restriction(countries=tuple(dict.fromkeys(codes)), areas=tuple(dict.fromkeys(areas)))


def _parse_area(text: str) -> Box | Circle:
    """A box of four numbers or a circle of three."""
    plain = re.sub(r"(?i)\s*km\s*$", "", text.translate(_MINUS_SIGNS))
    try:
        numbers = [float(part) for part in plain.split(",")]
    except ValueError as error:
        raise UsageError(f"{_quote(text)} is no area.", EXAMPLES) from error
    if len(numbers) == 4:
        south, west, north, east = numbers
        return Box(south=south, west=west, north=north, east=east)
    if len(numbers) == 3:
        lat, lon, radius_km = numbers
        _check_lon(lon)
        return Circle(center=LatLon(lat=lat, lon=lon), radius_km=radius_km)
    raise UsageError(f"{_quote(text)} is neither a box of four numbers nor a circle of three.", EXAMPLES)


def _check_box(south: float, west: float, north: float, east: float) -> None:
    if not all(map(math.isfinite, (south, west, north, east))):
        raise UsageError("A side of the box is no finite number.", "Give south,west,north,east in degrees.")
    if not (abs(south) <= 90 and abs(north) <= 90):
        beyond = south if abs(south) > 90 else north
        raise UsageError(f"Latitude {beyond:g} is outside -90..90.", "Give south,west,north,east in degrees.")
    _check_lon(west)
    _check_lon(east)
    if south >= north:
        hint = f"South comes first: did you mean {north:g},{west:g},{south:g},{east:g}?"
        if south == north:
            hint = "Give south,west,north,east with south below north."
        raise UsageError(f"The south of the box, {south:g}, is not below its north, {north:g}.", hint)
    if wrap_lon(west) == wrap_lon(east) and east - west < 360:
        raise UsageError(f"The box has no width: west and east are {west:g}.", "For all, give -180 and 180.")


def _check_lon(lon: float) -> None:
    if abs(lon) > _MAX_LON:
        raise UsageError(f"Longitude {lon:g} is outside -180..180.", EXAMPLES)


def _parse_code(typed: str) -> str:
    """The alpha-2 code of a country on the base map."""
    from geotool.core.countries import load_codes3

    code, by_code = typed.upper(), _by_code()
    if code in by_code:
        return by_code[code].code
    if code in {form for pair in load_codes3().items() for form in pair}:
        raise UsageError(f"The base map has no outline of {code}.", "Give a box or a circle around it.")
    raise UsageError(f"{_quote(typed)} is no country code.", _suggest(typed))


def _suggest(typed: str) -> str:
    """The nearest codes: by name where a name was typed, else by the letters of the codes."""
    by_code = _by_code()
    names = {country.name.casefold(): country for country in by_code.values()}
    if len(typed) > 3:
        near = [names[name] for name in difflib.get_close_matches(typed.casefold(), names, 3)]
    else:
        codes = [code for code in by_code if len(code) == len(typed)]
        near = [by_code[code] for code in difflib.get_close_matches(typed.upper(), codes, 3, 0.5)]
    if other := _OTHER_CODES.get(typed.upper()):
        near = [by_code[other]]
    meant = " or ".join(f"{country.code} ({country.name})" for country in near)
    return f"Did you mean {meant}?" if meant else "Give ISO 3166 codes, for example IT,FR."


@cache
def _by_code() -> dict[str, Country]:
    """The countries of the base map by both of their codes."""
    from geotool.core.countries import load_countries

    return {code: country for country in load_countries() for code in (country.code, country.code3)}


def _name_degrees(degrees: float, letters: str) -> str:
    """12.5 -> "12.5 N" or "12.5 E"; the second letter for what is negative."""
    return f"{abs(degrees):.6g} {letters[degrees < 0]}"


def _quote(text: str) -> str:
    return f'"{text.strip()[:60]}"'
