"""Only in these countries and areas: how a restriction is changed and shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from html import escape

from geotool.answer.restriction import Box, Circle, Restriction, parse_within
from geotool.core.countries import load_countries
from geotool.output.map_geometry import DECIMALS, MapPoint, near, ring

NOTHING = Restriction()


def country_choices() -> list[tuple[str, str]]:
    """Names and codes of all countries of the base map, by name."""
    return [(country.name, country.code) for country in load_countries()]


def with_countries(within: Restriction | None, codes: Sequence[str]) -> Restriction | None:
    """The same areas with other countries."""
    known = {country.code for country in load_countries()}
    return _or_none(replace(within or NOTHING, countries=tuple(code for code in codes if code in known)))


def with_area(within: Restriction | None, text: str) -> Restriction | None:
    """The restriction and what was typed as for `--within`, or drawn as a box. Raises UsageError."""
    added = parse_within([text]) or NOTHING
    before = within or NOTHING
    countries = tuple(dict.fromkeys((*before.countries, *added.countries)))
    areas = tuple(dict.fromkeys((*before.areas, *added.areas)))
    return _or_none(Restriction(countries=countries, areas=areas))


def without(within: Restriction | None, part: int) -> Restriction | None:
    """The restriction without one of its parts, counted as in the chips: countries first."""
    if within is None:
        return None
    count = len(within.countries)
    countries = tuple(code for i, code in enumerate(within.countries) if i != part)
    areas = tuple(area for i, area in enumerate(within.areas, start=count) if i != part)
    return _or_none(replace(within, countries=countries, areas=areas))


def _or_none(within: Restriction) -> Restriction | None:
    return within if within.countries or within.areas else None


def chips_html(within: Restriction | None, problem: str = "") -> str:
    """One chip per part; a click on it takes the part away. A problem stands under them."""
    words = f'<p class="gt-note gt-bad" role="alert">{escape(problem)}</p>' if problem else ""
    if within is None:
        return words
    names = {country.code: country.name for country in load_countries()}
    parts = [*(names[code] for code in within.countries), *map(_area_words, within.areas)]
    chips = "".join(
        f'<button type="button" class="gt-chip gt-within" data-part="{i}" '
        f'aria-label="Remove: {escape(part)}">{escape(part)} <span aria-hidden="true">&times;</span></button>'
        for i, part in enumerate(parts)
    )
    label = 'role="group" aria-label="Answers only there"'
    return f'<div class="gt-chips" {label}><span>Only</span>{chips}</div>{words}'


def _area_words(area: Box | Circle) -> str:
    return area.description


def restricted_html(asked: Restriction | None, wanted: Restriction | None) -> str:
    """With an answer: what it was restricted to, and what to do where that is no longer what is wanted."""
    words = f"Restricted to: {asked.description}." if asked else ""
    if asked != wanted:
        words = words or "Found without the restriction below."
        words += " Locate again to use it." if wanted else " Locate again to search everywhere."
    return f'<p class="gt-restricted">{escape(words)}</p>' if words else ""


def area_outlines(within: Restriction | None, reference: float) -> list[list[MapPoint]]:
    """Lines on the map around boxes and circles, near the `reference` longitude in degrees.

    Countries have their borders there already.
    """
    areas = within.areas if within is not None else ()
    return [line for area in areas for line in _outline(area, reference)]


def _outline(area: Box | Circle, reference: float) -> list[list[MapPoint]]:
    if isinstance(area, Circle):
        return [ring(area.center, area.radius_km, reference)]
    middle = near(area.west + area.width_deg / 2, reference)
    west, east = (round(middle + side * area.width_deg / 2, DECIMALS) for side in (-1, 1))
    south, north = [[area.south, west], [area.south, east]], [[area.north, east], [area.north, west]]
    return [south, north] if area.width_deg >= 360 else [[*south, *north, south[0]]]
