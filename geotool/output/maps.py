"""The offline map: a Folium document with pins, circles, heat, the truth and the error line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import folium

from geotool.core.paths import ASSETS_DIR
from geotool.core.records import Heat, ItemError, Prediction
from geotool.output import bands, heat_image
from geotool.output.answer_overlay import answer_overlay, candidate_note, place_note
from geotool.output.map_geometry import MapPoint, ring, to_map_point, truth_overlay
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
WIDEST_VIEW_KM = 2500  # a 50 % circle beyond that says nothing that the first view should show


def build_map(
    prediction: Prediction | None = None,
    others: Sequence[Prediction] = (),
    heat: Heat | None = None,
    *,
    heat_on_demand: bool = False,
) -> str:
    """The map for the window as an HTML document that loads Leaflet and outlines from our own server.

    `others` are the rest of a batch, drawn as dots. The truth is not in it: see `truth_overlay`.
    With `heat_on_demand` the layer is offered without a heat; the map asks the window for it by the
    message {type: "heat", needed: true} and takes {heat: heat_overlay(...)}.
    """
    sheet = _new_map(LinkedMap)
    points = _add_pins(sheet, prediction) if prediction is not None else []
    reference = points[0][1] if points else 0.0
    for other in others:
        if other.best is not None:
            Dot(to_map_point(other.best, reference), other.photo.path.name).add_to(sheet)
    _fit(sheet, points + _circle_points(prediction))
    _finish(sheet, _to_data(prediction, heat), heat_on_demand and bool(points))
    return _render(sheet)


def to_html(results: Sequence[Prediction | ItemError], heat: Heat | None = None) -> str:
    """One self-contained file: the answer for one photo, or the best answer of each of several.

    `heat` is that of the one photo (4 to 60 kB); without it the file has no such layer.
    """
    predictions = [r for r in results if isinstance(r, Prediction)]
    sheet = _new_map(InlineMap)
    only = predictions[0] if len(predictions) == 1 else None
    data = _to_data(only, heat if only is not None else None)
    if only is not None:
        data["overlay"] = truth_overlay(only)
        points = _add_pins(sheet, only) + _circle_points(only)
    else:
        points = _add_best_pins(sheet, predictions)
    scripts = [leaflet_dir() / "leaflet.js", STATIC_DIR / "map.js"]
    styles = [leaflet_dir() / "leaflet.css", STATIC_DIR / "map.css"]
    outlines = {name: BASEMAP_DIR / name for name in ("countries.geojson", "cities.json")}
    InlineHead(scripts, styles, outlines).add_to(sheet)
    _fit(sheet, points + ([data["overlay"]["truth"]] if data["overlay"]["truth"] else []))
    _finish(sheet, data)
    return _render(sheet)


def _to_data(prediction: Prediction | None, heat: Heat | None) -> dict[str, Any]:
    """What static/map.js draws, without a truth."""
    image = heat_image.heat_overlay(heat) if heat is not None else None
    return {"overlay": {"truth": None}, "answer": answer_overlay(prediction), "heat": image}


def _new_map(kind: type[folium.Map]) -> folium.Map:
    return kind(
        location=(20, 0), zoom_start=2, min_zoom=1, max_zoom=12, tiles=None,
        world_copy_jump=True, zoom_snap=0.5, max_bounds_viscosity=0.8,
    )  # fmt: skip


def _add_pins(sheet: folium.Map, prediction: Prediction) -> list[MapPoint]:
    """Pins for all places, else for all candidates, next to the best one even across the 180th meridian."""
    best = prediction.best
    if best is None:
        return []
    points = []
    for number, place in enumerate(prediction.places, start=1):
        points.append(to_map_point(place.center, best.lon))
        size_px = _mass_pin_size(place.mass, prediction.places[0].mass)
        Pin(points[-1], number, place_note(number, place), size_px).add_to(sheet)
    for candidate in () if prediction.places else prediction.candidates:
        points.append(to_map_point(candidate.location, best.lon))
        Pin(points[-1], candidate.rank, candidate_note(candidate), _pin_size(candidate.rank)).add_to(sheet)
    return points


def _add_best_pins(sheet: folium.Map, predictions: Sequence[Prediction]) -> list[MapPoint]:
    points = []
    for number, prediction in enumerate(predictions, start=1):
        if prediction.best is not None:
            points.append(to_map_point(prediction.best, 0))
            note = f"{prediction.photo.path.name}: {format_latlon(prediction.best)}"
            Pin(points[-1], number, note, NEXT_PIN_PX).add_to(sheet)
    return points


def _pin_size(rank: int) -> int:
    return FIRST_PIN_PX if rank == 1 else max(LAST_PIN_PX, NEXT_PIN_PX - 2 * (rank - 2))


def _mass_pin_size(mass: float, first_mass: float) -> int:
    """Area by mass, between the smallest size that carries a number and that of the best place."""
    side = FIRST_PIN_PX * (mass / first_mass) ** 0.5 if first_mass > 0 else LAST_PIN_PX
    return round(min(FIRST_PIN_PX, max(LAST_PIN_PX, side)))


def _fit(sheet: folium.Map, points: Sequence[MapPoint]) -> None:
    """The first view: all of the points."""
    if points:
        lats, lons = [p[0] for p in points], [p[1] for p in points]
        corners = [[min(lats), min(lons)], [max(lats), max(lons)]]
        sheet.fit_bounds(corners, padding=(40, 40), max_zoom=CLOSEST_ZOOM)


def _circle_points(prediction: Prediction | None) -> list[MapPoint]:
    """The outline of the 50 % circle, for the first view."""
    if prediction is None or prediction.best is None or prediction.confidence is None:
        return []
    radius_km = prediction.confidence.radius50_km
    if not radius_km or radius_km > WIDEST_VIEW_KM:
        return []
    return ring(prediction.best, radius_km, prediction.best.lon)


def _finish(sheet: folium.Map, data: dict[str, Any], heat_on_demand: bool = False) -> None:
    """Layers, their switch and the behaviour; `data` is what static/map.js draws."""
    names = {"cities": "City names", "rings": "Distance rings"}
    if data["answer"]["places"]:
        names["candidates"] = "Candidates"
    if data["heat"] is not None or heat_on_demand:
        names["heat"] = "Heat"
    layers = {key: folium.FeatureGroup(name, show=key != "heat").add_to(sheet) for key, name in names.items()}
    folium.LayerControl(position="topright", collapsed=True).add_to(sheet)
    PageStyle(bands.to_css() + heat_image.to_css()).add_to(sheet)
    Behaviour(layers, data).add_to(sheet)


def _render(sheet: folium.Map) -> str:
    figure: Any = sheet.get_root()  # a branca Figure
    figure.title = "geotool map"
    html: str = figure.render()
    return html.replace("<html>", '<html lang="en">', 1)
