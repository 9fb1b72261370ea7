"""The offline map: a Folium document with pins, the best place, the truth and the error line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import folium

from geotool.core.paths import ASSETS_DIR
from geotool.core.records import Candidate, ItemError, Prediction
from geotool.output import bands
from geotool.output.map_geometry import MapPoint, to_map_point, truth_overlay
from geotool.output.map_layers import (
    STATIC_DIR,
    Behaviour,
    Dot,
    InlineHead,
    InlineMap,
    LinkedMap,
    PageStyle,
    Pin,
    leaflet_dir,
)
from geotool.output.numbers import format_latlon

BASEMAP_DIR = ASSETS_DIR / "basemap"
ATTRIBUTION = "Natural Earth, GeoNames"
FIRST_PIN_PX, NEXT_PIN_PX, LAST_PIN_PX = 34, 28, 20
CLOSEST_ZOOM = 6  # when the map chooses its own view: the outlines carry no more detail


def build_map(prediction: Prediction | None = None, others: Sequence[Prediction] = ()) -> str:
    """The map for the window as an HTML document that loads Leaflet and outlines from our own server.

    `others` are the rest of a batch, drawn as dots. The truth is not in it: see `truth_overlay`.
    """
    sheet = _new_map(LinkedMap)
    points = _add_pins(sheet, prediction) if prediction is not None else []
    reference = points[0][1] if points else 0.0
    for other in others:
        if other.best is not None:
            Dot(to_map_point(other.best, reference), other.photo.path.name).add_to(sheet)
    _finish(sheet, points, {"truth": None})
    return _render(sheet)


def to_html(results: Sequence[Prediction | ItemError]) -> str:
    """One self-contained file: all candidates of one photo, or the best answer of each of several."""
    predictions = [r for r in results if isinstance(r, Prediction)]
    sheet = _new_map(InlineMap)
    overlay: dict[str, Any] = {"truth": None}
    if len(predictions) == 1:
        points, overlay = _add_pins(sheet, predictions[0]), truth_overlay(predictions[0])
    else:
        points = _add_best_pins(sheet, predictions)
    scripts = [leaflet_dir() / "leaflet.js", STATIC_DIR / "map.js"]
    styles = [leaflet_dir() / "leaflet.css", STATIC_DIR / "map.css"]
    data = {name: BASEMAP_DIR / name for name in ("countries.geojson", "cities.json")}
    InlineHead(scripts, styles, data).add_to(sheet)
    _finish(sheet, points, overlay)
    return _render(sheet)


def _new_map(kind: type[folium.Map]) -> folium.Map:
    return kind(
        location=(20, 0), zoom_start=2, min_zoom=1, max_zoom=12, tiles=None,
        world_copy_jump=True, zoom_snap=0.5, max_bounds_viscosity=0.8,
    )  # fmt: skip


def _add_pins(sheet: folium.Map, prediction: Prediction) -> list[MapPoint]:
    """Pins for all candidates, drawn next to the first one even across the 180th meridian."""
    points = []
    for candidate in prediction.candidates:
        point = to_map_point(candidate.location, prediction.candidates[0].location.lon)
        Pin(point, candidate.rank, _note(candidate), _pin_size(candidate.rank)).add_to(sheet)
        points.append(point)
    return points


def _add_best_pins(sheet: folium.Map, predictions: Sequence[Prediction]) -> list[MapPoint]:
    points = []
    for number, prediction in enumerate(predictions, start=1):
        if prediction.best is not None:
            points.append(to_map_point(prediction.best, 0))
            note = f"{prediction.photo.path.name}: {format_latlon(prediction.best)}"
            Pin(points[-1], number, note, NEXT_PIN_PX).add_to(sheet)
    return points


def _note(candidate: Candidate) -> str:
    return f"Candidate {candidate.rank}: {format_latlon(candidate.location)}, cosine {candidate.cosine:.3f}"


def _pin_size(rank: int) -> int:
    return FIRST_PIN_PX if rank == 1 else max(LAST_PIN_PX, NEXT_PIN_PX - 2 * (rank - 2))


def _finish(sheet: folium.Map, points: list[MapPoint], overlay: dict[str, Any]) -> None:
    """Layers, their switch, the behaviour and the first view."""
    cities = folium.FeatureGroup(name="City names").add_to(sheet)
    rings = folium.FeatureGroup(name="Distance rings").add_to(sheet)
    folium.LayerControl(position="topright", collapsed=True).add_to(sheet)
    PageStyle(bands.to_css()).add_to(sheet)
    seen = points + ([overlay["truth"]] if overlay["truth"] else [])
    if seen:
        lats, lons = [p[0] for p in seen], [p[1] for p in seen]
        corners = [[min(lats), min(lons)], [max(lats), max(lons)]]
        sheet.fit_bounds(corners, padding=(40, 40), max_zoom=CLOSEST_ZOOM)
    Behaviour(cities, rings, overlay).add_to(sheet)


def _render(sheet: folium.Map) -> str:
    figure: Any = sheet.get_root()  # a branca Figure
    figure.title = "geotool map"
    html: str = figure.render()
    return html.replace("<html>", '<html lang="en">', 1)
