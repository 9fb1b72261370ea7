"""Results as a table to read in a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from geotool.core.records import ItemError, Place, Prediction, SearchTrace
from geotool.output.numbers import format_km, format_latlon, format_radius, format_share
from geotool.output.place_words import place_name, verdict


def to_table(results: Sequence[Prediction | ItemError]) -> str:
    """A block of lines per input: the photo, its places and candidates, the error where a truth is known."""
    return "\n".join(line for result in results for line in _block(result)) + "\n"


def _block(result: Prediction | ItemError) -> Iterable[str]:
    if isinstance(result, ItemError):
        yield f"{one_line(result.path)}\n  not read: {one_line(result.message)}"
        return
    yield one_line(result.photo.path)
    yield from _place_lines(result)
    yield from _candidate_lines(result)
    if result.search is not None and result.search.path:
        yield f"  path {format_path(result.search)}"
    if result.photo.truth is not None:
        error = "" if result.error_km is None else f", error {format_km(result.error_km)}"
        yield f"  truth {format_latlon(result.photo.truth)} ({result.photo.truth_source}){error}"


def _place_lines(prediction: Prediction) -> Iterable[str]:
    names = [one_line(place_name(place)) for place in prediction.places]
    width = max(map(len, names), default=0)
    for rank, (name, place) in enumerate(zip(names, prediction.places, strict=True), start=1):
        yield f"  {rank:>3}  {name:<{width}}  {format_latlon(place.center):>20}  {format_extent(place)}"
    if verdict(prediction):
        yield f"  {verdict(prediction)}"


def _candidate_lines(prediction: Prediction) -> Iterable[str]:
    if prediction.places and prediction.candidates:
        yield "  candidates"
    for candidate in prediction.candidates:
        yield f"  {candidate.rank:>3}  {format_latlon(candidate.location):>20}  cosine {candidate.cosine:.3f}"


def format_extent(place: Place) -> str:
    """ "radius 12 km   mass 62 %"; a place of one candidate has no radius."""
    radius = f"radius {format_radius(place.radius_km)}   " if place.radius_km > 0 else ""
    return f"{radius}mass {format_share(place.mass)}"


def format_path(search: SearchTrace) -> str:
    """From coarse to fine, with the share of the candidates' weight: "Europe 93 % > Italy 71 %"."""
    return " > ".join(f"{one_line(level.name)} {format_share(level.mass)}" for level in search.path)


def one_line(value: object) -> str:
    """Control characters made visible: a file name must not move the cursor of a terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))
