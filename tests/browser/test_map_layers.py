"""The map's frame by itself, in a page that listens as the window does: heat on demand, places, keys."""

from __future__ import annotations

import mimetypes
from collections.abc import Iterator
from dataclasses import replace
from html import escape
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

import numpy as np
import pytest

from geotool.core.geo import LatLon
from geotool.core.records import Candidate, Confidence, Heat, Place, Prediction
from geotool.output import map_layers
from geotool.output.heat_image import heat_overlay
from geotool.output.maps import BASEMAP_DIR, build_map
from tests.fakes import AREZZO, fake_prediction

pytestmark = pytest.mark.slow
STYLE = 'style="width:900px;height:640px"'
FOLDERS = {
    map_layers.LEAFLET_URL: map_layers.leaflet_dir(),
    map_layers.STATIC_URL: map_layers.STATIC_DIR,
    map_layers.BASEMAP_URL: BASEMAP_DIR,
}
LISTENER = """<script>const heard = [];
addEventListener("message", ({ data }) => data.source === "geotool-map" && heard.push(data));
const tell = (message) =>
  document.querySelector("iframe").contentWindow.postMessage({ target: "geotool-map", ...message }, "*");
</script>"""


def with_places() -> Prediction:
    places = []
    for number, lon in enumerate((AREZZO.lon, 2.0)):
        center = LatLon(lat=AREZZO.lat, lon=lon)
        candidate = Candidate(rank=number + 1, cosine=0.3, gallery_row=0, location=replace(center, lat=44.5))
        places.append(Place(center=center, radius_km=80, mass=0.6 - 0.3 * number, candidates=(candidate,)))
    confidence = Confidence(level="region", radius50_km=90.0, radius80_km=400.0)
    return replace(fake_prediction(), places=tuple(places), confidence=confidence)


@pytest.fixture
def address() -> Iterator[str]:
    """A server with the page and what the map loads."""
    document = escape(build_map(with_places(), heat_on_demand=True))
    start = f'<!doctype html>{LISTENER}<iframe sandbox="allow-scripts" {STYLE} srcdoc="{document}"></iframe>'

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            folder = next(
                (folder for url, folder in FOLDERS.items() if self.path.startswith(f"{url}/")), None
            )
            name = self.path.rpartition("/")[2]
            body = (folder / name).read_bytes() if folder else start.encode()
            self.send_response(200)
            self.send_header("Content-Type", mimetypes.guess_type(name)[0] or "text/html; charset=utf-8")
            # A sandboxed frame has no origin of its own.
            self.send_header("Access-Control-Allow-Origin", "*")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/"
    server.shutdown()


@pytest.fixture
def page(browser: Any, address: str) -> Iterator[Any]:
    """A page with the map in its frame; `heard` holds the frame's messages, `tell` sends one."""
    page = browser.new_page()
    page.goto(address)
    page.frame_locator("iframe").locator("[data-basemap=ready]").wait_for()
    yield page
    page.close()


def wait_for_message(page: Any, words: str) -> None:
    page.wait_for_function(f"heard.some((message) => {words})")


def test_heat_is_asked_for_drawn_and_faded_by_keys(page: Any) -> None:
    frame = page.frame_locator("iframe")
    assert frame.locator(".heat-panel").count() == 0
    page.evaluate("tell({ showHeat: true })")
    wait_for_message(page, "message.type === 'heat' && message.needed")
    assert "computed" in frame.locator(".heat-note").inner_text()

    heat = Heat(mass=np.full((18, 36), 1 / 648), coverage=np.ones((18, 36)))
    page.evaluate("(heat) => tell({ heat })", heat_overlay(heat))
    frame.locator("canvas.heat[data-drawn=true]").wait_for()
    canvas = frame.locator("canvas.heat")
    assert canvas.evaluate("(canvas) => canvas.width") < 4 * 900  # of the view, not of the world
    middle = (
        "(canvas) => canvas.getContext('2d').getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data[3]"
    )
    assert canvas.evaluate(middle) > 0
    slider = frame.get_by_label("Heat opacity")
    before = float(slider.input_value())
    slider.press("ArrowLeft")
    assert float(slider.input_value()) < before
    opacity = frame.locator(".leaflet-heat-pane").evaluate("(pane) => getComputedStyle(pane).opacity")
    assert float(opacity) == pytest.approx(float(slider.input_value()) / 100)

    page.evaluate("tell({ showHeat: false })")
    wait_for_message(page, "message.type === 'heat' && !message.shown")
    assert not frame.locator("canvas.heat").is_visible()
    assert frame.locator(".heat-panel").count() == 0


def test_a_place_its_pin_and_its_candidates_are_one_thing(page: Any) -> None:
    frame = page.frame_locator("iframe")
    assert frame.locator(".pin").count() == frame.locator(".dot").count() == 2
    assert frame.locator(".circle").count() == 2
    frame.locator(".dot.of-place-2").hover()
    wait_for_message(page, "message.type === 'hover' && message.rank === 2")
    frame.locator(".dot.of-place-2").click()
    wait_for_message(page, "message.type === 'select' && message.rank === 2")
    frame.locator(".pin-2.is-selected").wait_for()
    page.wait_for_timeout(400)  # a click on the map waits for a second one before it counts
    assert page.evaluate("heard.filter((message) => message.type === 'click').length") == 0
    page.evaluate("tell({ hover: 1 })")
    frame.locator(".dot.of-place-1.is-hovered").wait_for()


def test_a_click_with_shift_is_a_circle_and_no_truth(page: Any) -> None:
    frame = page.frame_locator("iframe")
    frame.locator(".folium-map").click(position={"x": 450, "y": 500}, modifiers=["Shift"])
    wait_for_message(page, "message.type === 'circle'")
    page.wait_for_timeout(400)  # a click on the map waits for a second one before it counts
    [circle] = page.evaluate("heard.filter(({ type }) => ['circle', 'click', 'box'].includes(type))")
    assert circle["radius_km"] in (100, 200, 500, 1000, 2000)
    page.evaluate("tell({ areas: [[[40, 5], [41, 6], [42, 5]], [[0, 0], [1, 1]]] })")
    assert frame.locator(".area").count() == 2
    page.evaluate("tell({ areas: [] })")
    frame.locator(".area").first.wait_for(state="detached")
