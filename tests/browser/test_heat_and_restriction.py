"""The heat layer and the restriction in the window: on the map, with a batch, with the model that ships."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from geotool.answer.restriction import parse_within
from geotool.core.coordinates import parse_latlon
from tests.browser.conftest import PROJECT, Tab, Window

pytestmark = pytest.mark.slow
EUROPE = PROJECT / "assets" / "examples" / "tile-3-europe.jpg"


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (320, 240), "seagreen").save(path)
    return path


def wait_for_text(tab: Tab, selector: str, text: str) -> None:
    tab.page.locator(selector).filter(has_text=text).first.wait_for()


def switch_heat(tab: Tab) -> None:
    """By the switch of the layers, which unfolds under the pointer."""
    tab.map.locator(".leaflet-control-layers").hover()
    tab.map.locator(".leaflet-control-layers-overlays label", has_text="Heat").click()


def heat_picture(tab: Tab, other_than: str = "") -> str:
    """What is drawn, once it is another one."""
    from playwright.sync_api import Error

    for _ in range(30):
        with contextlib.suppress(Error):  # the map of another photo may come in between
            canvas = tab.map.locator("canvas.heat[data-drawn=true]")
            drawn = str(canvas.evaluate("(canvas) => canvas.toDataURL()", timeout=1000))
            if drawn != other_than:
                return drawn
        tab.page.wait_for_timeout(100)
    raise AssertionError("The heat stayed as it was.")


def pick(tab: Tab, index: int) -> None:
    tab.page.locator(".gt-thumb").nth(index).click()


def test_the_heat_follows_the_photo_and_its_opacity_can_be_set(
    fake_window: Window, open_tab: Any, photo: Path
) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo, photo, photo, names=("city.jpg", "another.jpg", "gone.jpg"))
    wait_for_text(tab, "#gt-results .gt-words", "3 of 3 photos done")
    assert tab.map.locator(".heat-panel").count() == 0
    switch_heat(tab)
    first = heat_picture(tab)
    slider = tab.map.get_by_label("Heat opacity")
    slider.press("Home")
    pane = tab.map.locator(".leaflet-heat-pane")
    assert pane.evaluate("(pane) => getComputedStyle(pane).opacity") == "0.1"

    pick(tab, 1)  # the layer stays on
    heat_picture(tab, other_than=first)
    pick(tab, 2)
    tab.map.locator(".heat-note").filter(has_text="There is no file gone.jpg.").wait_for()
    assert tab.map.locator("canvas.heat[data-drawn=true]").count() == 0
    pick(tab, 0)
    assert heat_picture(tab) == first

    switch_heat(tab)
    tab.map.locator(".heat-panel").wait_for(state="detached")
    pick(tab, 1)
    tab.map.locator(".pin-1").wait_for()
    assert tab.map.locator(".heat-panel").count() == 0
    assert not tab.map.locator("canvas.heat").is_visible()
    assert tab.foreign_requests() == [] and tab.problems == []


def test_a_long_heat_says_how_far_it_is_and_makes_room_for_the_next(
    fake_window: Window, open_tab: Any, photo: Path
) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo, photo, names=("slow.jpg", "city.jpg"))
    wait_for_text(tab, "#gt-results .gt-words", "2 of 2 photos done")
    switch_heat(tab)
    tab.map.locator(".heat-note").filter(has_text="Being computed: 40 %.").wait_for()
    pick(tab, 1)
    tab.map.locator("canvas.heat[data-drawn=true]").wait_for()


def test_bars_tell_where_else_the_candidates_lie(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window, viewport={"width": 390, "height": 900})
    tab.drop(photo, names=("city.jpg",))
    tab.page.get_by_text("How this answer came about").click()
    countries = tab.page.get_by_role("list", name="Countries").get_by_role("listitem")
    countries.first.wait_for()
    assert [row.split() for row in countries.all_inner_texts()] == [
        ["Italy", "71", "%"], ["France", "20", "%"], ["Tunisia", "6", "%"], ["Spain", "2", "%"],
        ["all", "others", "1", "%"],
    ]  # fmt: skip
    for row in countries.all():
        box = row.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390


def restrict_by(tab: Tab, words: str) -> None:
    """Wait for the answer that says so, in its own words and by its place."""
    wait_for_text(tab, "#gt-answer .gt-restricted", words)
    restricted = tab.page.locator("#gt-answer .gt-restricted").inner_text()
    assert restricted.startswith("Restricted to: ")
    chips = tab.page.locator(".gt-within").all_inner_texts()
    assert len(chips) == 1 and chips[0].removesuffix("×").strip() in restricted


def best(tab: Tab) -> tuple[float, float]:
    """Of the table, once the map shows the same."""
    words = tab.page.locator('tr[data-rank="1"] [data-copy]').first.get_attribute("data-copy")
    tab.map.locator(".pin-1").filter(has_text=words).wait_for()
    tab.map.locator("[data-basemap=ready]").wait_for()
    place = parse_latlon(words)
    return place.lat, place.lon


def lift(tab: Tab) -> None:
    tab.page.locator(".gt-within").click()
    tab.page.locator("#gt-answer .gt-found:not(:has(.gt-restricted))").wait_for()


def lies_within(tab: Tab, area: str) -> bool:
    """With 0.01 degrees to spare: the map's edges are rounded."""
    import numpy as np

    within = parse_within([area])
    assert within is not None
    lat, lon = best(tab)
    return any(
        within.allows(np.array([[lat + d, lon + e]]))[0] for d in (0, 0.01, -0.01) for e in (0, 0.01, -0.01)
    )


@pytest.mark.skipif(not EUROPE.is_file(), reason="there are no examples in assets/")
def test_countries_a_drawn_box_and_a_circle_restrict_the_answer(real_window: Window, open_tab: Any) -> None:
    tab = open_tab(real_window)
    wait_for_text(tab, "#gt-status", "Ready")
    tab.drop(EUROPE)
    tab.page.locator('tr[data-rank="1"]').wait_for()
    everywhere = best(tab)
    assert lies_within(tab, "IT")

    tab.page.get_by_text("Only in some countries or areas").click()
    tab.page.locator("#gt-countries input").fill("Brazil")
    tab.page.get_by_role("option", name="Brazil").click()
    restrict_by(tab, "Brazil")
    assert lies_within(tab, "BR")
    lift(tab)
    assert best(tab) == everywhere

    tab.page.evaluate("scrollTo(0, 0)")
    box = tab.map.locator(".folium-map").bounding_box()
    x, y = box["x"] + 40, box["y"] + 140
    tab.page.keyboard.down("Shift")
    tab.page.mouse.move(x, y)
    tab.page.mouse.down()
    tab.page.mouse.move(x + 150, y + 90, steps=4)
    tab.page.mouse.up()
    tab.page.keyboard.up("Shift")
    restrict_by(tab, "between")
    tab.map.locator(".area").wait_for(state="attached")
    assert lies_within(tab, typed(tab)) and best(tab) != everywhere
    lift(tab)
    assert best(tab) == everywhere

    tab.page.keyboard.down("Shift")
    tab.map.locator(".folium-map").click(position={"x": 90, "y": 200})
    tab.page.keyboard.up("Shift")
    restrict_by(tab, "within")
    tab.map.locator(".area").wait_for(state="attached")
    assert lies_within(tab, typed(tab)) and best(tab) != everywhere
    assert (
        "EXIF" in tab.page.locator(".gt-note", has_text="The model never sees it").inner_text()
    )  # no truth set
    assert tab.foreign_requests() == [] and tab.problems == []


def typed(tab: Tab) -> str:
    """The one chip as `--within` takes it: "between 43 N and 45 N, 10 E and 12 W" as 43,10,45,-12."""
    import re

    words = tab.page.locator(".gt-within").inner_text()
    numbers = [float(number) for number in re.findall(r"-?[\d.]+", words)]
    if words.startswith("within"):
        radius_km, lat, lon = numbers
        return f"{lat},{lon},{radius_km}"
    signs = [-1 if letter in "SW" else 1 for letter in re.findall(r"\d ([NSEW])", words)]
    south, north, west, east = (number * sign for number, sign in zip(numbers, signs, strict=True))
    return f"{south},{west},{north},{east}"
