"""The table under the map: places with their candidates, or candidates alone. Linked with the pins."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from geotool.core.geo import LatLon, geodesic_km
from geotool.core.records import Candidate, Photo, Place, Prediction
from geotool.output.numbers import format_km, format_latlon, format_radius, format_share
from geotool.output.place_words import place_name
from geotool.ui.links_out import links_html

MOST_CANDIDATES = 10  # of one place, when it is opened
DASH = "&ndash;"
MASS_NOTE = "Mass is the share of the candidates' weight that lies in a place: no probability."


def table_html(prediction: Prediction | None) -> str:
    """Rows carry the rank of their pin. Nothing where there is no answer."""
    if prediction is None or prediction.is_unknown:
        return ""
    if prediction.places:
        return _places_html(prediction.places, prediction.photo)
    return _candidates_html(prediction.candidates, prediction.photo) if prediction.candidates else ""


# --- places


def _places_html(places: Sequence[Place], photo: Photo) -> str:
    titles = ("#", "Place", "Error", "Lat, lon", _spoken("Copy"), "Mass", "Radius", _spoken("More"))
    rows = "".join(_place_rows(rank, place, photo) for rank, place in enumerate(places, start=1))
    return _table("Places, best first", "gt-places", titles, rows) + f'<p class="gt-note">{MASS_NOTE}</p>'


def _place_rows(rank: int, place: Place, photo: Photo) -> str:
    name = escape(place_name(place))
    more = (
        f'<button type="button" class="gt-copy gt-open" aria-expanded="false" aria-controls="gt-more-{rank}"'
        f' aria-label="More about place {rank}">More</button>'
    )
    mass = f'<div class="gt-mass">{escape(format_share(place.mass))}{_bar(place.mass)}</div>'
    cells = [
        f"<b>{rank}</b>",
        f'<span class="gt-name">{name}</span>',
        error_text(place.center, photo),
        format_latlon(place.center),
        copy_button(place.center),
        mass,
        format_radius(place.radius_km) if place.radius_km > 0 else DASH,
        more,
    ]
    narrow = f'<p class="gt-narrow">{format_latlon(place.center)} {copy_button(place.center)}</p>'
    inside = narrow + links_html(place.center) + _members_html(place, photo)
    detail = f'<tr id="gt-more-{rank}" class="gt-more" hidden><td colspan="{len(cells)}">{inside}</td></tr>'
    return _row(rank, cells) + detail


def _members_html(place: Place, photo: Photo) -> str:
    """The best candidates of a place."""
    shown = place.candidates[:MOST_CANDIDATES]
    rows = "".join(
        f"<tr><td>{c.rank}</td><td>{format_latlon(c.location)}</td>"
        f"<td>{error_text(c.location, photo)}</td><td>{c.cosine:.3f}</td></tr>"
        for c in shown
    )
    rest = len(place.candidates) - len(shown)
    more = f'<p class="gt-note">And {rest} more in this place.</p>' if rest else ""
    head = _head(("Candidate", "Lat, lon", "Error", "Cosine"))
    return f'<table class="gt-members">{head}<tbody>{rows}</tbody></table>{more}' if shown else ""


# --- candidates alone


def _candidates_html(candidates: Sequence[Candidate], photo: Photo) -> str:
    titles = ("#", "Error", "Lat, lon", _spoken("Copy"), "Cosine")
    most = max(candidate.cosine for candidate in candidates)
    rows = "".join(_candidate_row(candidate, photo, most) for candidate in candidates)
    return _table("Candidates, best first", "gt-alone", titles, rows)


def _candidate_row(candidate: Candidate, photo: Photo, most: float) -> str:
    place = candidate.location
    share = max(0.0, candidate.cosine / most) if most > 0 else 0.0
    cosine = f'<div class="gt-cosine">{candidate.cosine:.3f}{_bar(share)}</div>'
    cells = [f"<b>{candidate.rank}</b>", error_text(place, photo), format_latlon(place), copy_button(place)]
    return _row(candidate.rank, [*cells, cosine])


# --- pieces


def _table(label: str, kind: str, titles: Sequence[str], rows: str) -> str:
    return (
        f'<table class="gt-table {kind}" aria-label="{label}. Arrow keys move through them.">'
        f"{_head(titles)}<tbody>{rows}</tbody></table>"
    )


def _head(titles: Sequence[str]) -> str:
    return "<thead><tr>" + "".join(f'<th scope="col">{title}</th>' for title in titles) + "</tr></thead>"


def _row(rank: int, cells: Sequence[str]) -> str:
    tab = 0 if rank == 1 else -1  # the arrow keys go on from the first
    inside = "".join(f"<td>{cell}</td>" for cell in cells)
    return f'<tr data-rank="{rank}" tabindex="{tab}">{inside}</tr>'


def _bar(share: float) -> str:
    return f'<span><i style="width:{share:.0%}"></i></span>'


def _spoken(word: str) -> str:
    return f'<span class="gt-spoken">{word}</span>'


def error_text(location: LatLon, photo: Photo) -> str:
    return DASH if photo.truth is None else format_km(geodesic_km(location, photo.truth))


def copy_button(location: LatLon) -> str:
    place = format_latlon(location)
    label = f'data-copy="{place}" aria-label="Copy {place}"'
    return f'<button type="button" class="gt-copy" {label}>Copy</button>'
