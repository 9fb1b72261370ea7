"""The report: one HTML file with photo, answer, map, settings and limits, which loads nothing else."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from geotool.core.artifacts import VERSION
from geotool.core.geo import LatLon
from geotool.core.records import ItemError, ModelStamp, Prediction, SearchTrace
from geotool.core.regions import find_region
from geotool.core.report import Report
from geotool.output.maps import to_html
from geotool.output.numbers import format_count, format_km, format_latlon, format_radius, format_share
from geotool.output.photo_names import short_names
from geotool.output.place_words import UNKNOWN_MESSAGE, place_name, verdict
from geotool.output.thumbnails import to_data_uri

TEMPLATES_DIR = Path(__file__).parent / "templates"
ONE_PHOTO_PX, MANY_PHOTOS_PX = 640, 200  # the longer side of a thumbnail; 2 000 photos stay below 20 MB


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One input of the report. `number` is that of its pin on the map; None for a failure."""

    name: str
    anchor: str
    number: int | None
    prediction: Prediction | None
    message: str  # of a failure
    thumbnail: str | None  # data URI


def to_report(
    results: Sequence[Prediction | ItemError], settings: Mapping[str, object], report: Report
) -> str:
    """The page for one photo, or for several with a table of links. `settings` say how it was made.

    What was asked to stop is not stopped here: the results would be lost.
    """
    entries = _entries(results, report)
    located = [entry for entry in entries if entry.prediction and entry.prediction.best]
    page = _environment().get_template("report.html")
    return page.render(
        entries=entries,
        map=to_html(results) if located else None,
        models=_models(results),
        settings={name: _shown(value) for name, value in settings.items() if value not in (None, ())},
        created=datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%d %H:%M UTC"),
        version=VERSION,
    )


def _entries(results: Sequence[Prediction | ItemError], report: Report) -> list[Entry]:
    """The inputs in their order. Numbers count predictions alone, as the pins of the map do."""
    entries, number = [], 0
    if len(results) > 1:
        report.event("making the report", photos=len(results))
    max_px = ONE_PHOTO_PX if len(results) == 1 else MANY_PHOTOS_PX
    for position, (name, result) in enumerate(zip(short_names(results), results, strict=True), start=1):
        prediction = result if isinstance(result, Prediction) else None
        number += prediction is not None
        entry = Entry(
            name=name,
            anchor=f"photo-{position}",
            number=number if prediction else None,
            prediction=prediction,
            message=result.message if isinstance(result, ItemError) else "",
            thumbnail=to_data_uri(prediction.photo, max_px) if prediction else None,
        )
        entries.append(entry)
        if len(results) > 1:
            report.progress(position, len(results), unit="pictures")
    return entries


def _models(results: Sequence[Prediction | ItemError]) -> list[ModelStamp]:
    return list(dict.fromkeys(result.model for result in results if isinstance(result, Prediction)))


def _shown(value: object) -> str:
    """A setting as text. Of a path only the name: where it lies on this disk is nobody's business."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (tuple, list)):
        return ", ".join(map(_shown, value))
    return value.name if isinstance(value, PurePath) else str(value)


def _searched(search: SearchTrace) -> str:
    way = "all points" if search.comparisons >= search.gallery_size else "coarse to fine"
    points = f"{format_count(search.comparisons)} comparisons, {format_count(search.gallery_size)} points"
    return f"{way}: {points} in the gallery"


def _country(location: LatLon) -> str:
    return find_region(location.lat, location.lon).country or "at sea"


def _environment() -> Environment:
    """Everything that is put into the page is escaped: file names may be hostile."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES_DIR, encoding="utf-8"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = (format_km, format_latlon, format_radius, format_share, place_name, verdict)
    environment.filters |= {function.__name__: function for function in named}
    environment.filters |= {"searched": _searched, "country": _country}
    environment.globals["UNKNOWN_MESSAGE"] = UNKNOWN_MESSAGE
    return environment
