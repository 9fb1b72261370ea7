"""The window as a person meets it: drop, read, click, type, keys. Server and browser stay on the machine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.browser.conftest import PROJECT, Tab, Window

pytestmark = pytest.mark.slow
EXAMPLES = sorted((PROJECT / "assets" / "examples").glob("*.jpg"))


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    Image.new("RGB", (320, 240), "seagreen").save(path)
    return path


def rows(tab: Tab) -> list[str]:
    tab.page.wait_for_selector("#gt-candidates tr[data-rank]")
    return tab.page.locator("#gt-candidates tr[data-rank]").all_inner_texts()


def wait_for_text(tab: Tab, selector: str, text: str) -> None:
    tab.page.locator(selector).filter(has_text=text).first.wait_for()


def test_drop_read_click_and_see_the_error(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo)
    assert [row.split()[0] for row in rows(tab)] == ["1", "2", "3", "4", "5"]
    wait_for_text(tab, "#gt-answer", "Best match near 43.4700, 11.8800")
    assert tab.map.locator(".pin").count() == 5
    levels = tab.page.get_by_role("list", name="The best place, from coarse to fine").get_by_role("listitem")
    assert ["Italy" in level for level in levels.all_inner_texts()] == [False, True, False]
    bars = [level.locator(".gt-bar i").bounding_box()["width"] for level in levels.all()]
    assert bars == sorted(bars, reverse=True) and bars[-1] > 0

    tab.map.locator(".folium-map").click(position={"x": 420, "y": 120})
    wait_for_text(tab, ".gt-note", "Clicked on the map")
    tab.map.locator(".error-line").wait_for(state="attached")
    label = tab.map.locator(".error-label").inner_text()
    wait_for_text(tab, "#gt-answer .gt-error", label)
    assert tab.map.locator(".ring").count() == 5
    assert label in rows(tab)[0]

    tab.page.locator("#gt-truth button").click()
    tab.map.locator(".error-line").wait_for(state="detached")
    assert tab.foreign_requests() == []
    assert tab.problems == []
    assert fake_window.foreign_talk() == ""


def test_the_truth_can_be_typed(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo)
    rows(tab)
    field = tab.page.get_by_label("Truth: where it was really taken")
    field.fill("nowhere at all")
    field.press("Enter")
    tab.page.locator(".gt-note.gt-bad").wait_for()
    field.fill("43.5N 11.9E")
    field.press("Enter")
    wait_for_text(tab, "#gt-answer .gt-error", "3.71 km")
    assert tab.map.locator(".error-label").inner_text() == "3.71 km"


def test_pins_and_rows_are_one_thing(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo)
    rows(tab)
    tab.map.locator(".pin-5").wait_for()  # a map that is not there yet hears nothing
    tab.page.locator('tr[data-rank="1"]').focus()
    tab.page.keyboard.press("ArrowDown")
    tab.map.locator(".pin-2.is-selected").wait_for()
    tab.page.locator('tr[data-rank="4"]').hover()
    tab.map.locator(".pin-4.is-hovered").wait_for()
    tab.map.locator(".pin-5").click()
    tab.page.locator('tr[data-rank="5"].gt-selected').wait_for()
    assert tab.page.get_by_label("Truth: where it was really taken").input_value() == ""


def test_names_of_a_batch_are_text_and_nothing_else(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    names = ("<img src=x onerror=document.title=1>.jpg", "${document.title=2}`.jpg", "bad.jpg", "street.jpg")
    tab.drop(photo, photo, photo, photo, names=names)
    states = tab.page.locator(".gt-strip .gt-state")
    tab.page.locator(".gt-strip .gt-is-unknown").wait_for()
    assert states.count() == 4
    tab.page.locator(".gt-thumb").nth(2).click()
    wait_for_text(tab, "#gt-answer", "bad.jpg was not read")
    tab.page.locator(".gt-thumb").nth(3).click()
    wait_for_text(tab, "#gt-answer", "This picture gets no pin")
    assert tab.page.locator(".gt-path").count() == 0
    tab.page.get_by_role("button", name="Get GeoCLIP (1.7 GB)").click()
    tab.page.get_by_role("button", name="Download GeoCLIP (1.7 GB)").wait_for()
    assert tab.page.title() == "geotool"
    assert tab.problems == []


def test_a_bad_file_leaves_the_old_answer(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo)
    rows(tab)
    tab.drop(photo, names=("bad.jpg",))
    wait_for_text(tab, ".gt-notice", "bad.jpg was not read")
    wait_for_text(tab, "#gt-answer", "Best match near")


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1920, "dark")])
def test_nothing_is_cut_off(fake_window: Window, open_tab: Any, photo: Path, width: int, scheme: str) -> None:
    tab = open_tab(fake_window, viewport={"width": width, "height": 900}, color_scheme=scheme)
    tab.drop(photo)
    rows(tab)
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    table = tab.page.locator("#gt-candidates .gt-table").bounding_box()
    assert table["x"] + table["width"] <= width
    for level in tab.page.locator(".gt-path li > *").all():
        box = level.bounding_box()
        assert box["width"] > 0 and box["x"] + box["width"] <= width
    assert tab.map.locator(f':root[data-theme="{scheme}"]').count() == 1


def test_the_upload_folder_is_private_and_goes(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo)
    rows(tab)
    [folder] = (fake_window.home / "uploads").iterdir()
    assert folder.stat().st_mode & 0o077 == 0
    assert list(folder.rglob("photo.jpg"))


@pytest.mark.skipif(not EXAMPLES, reason="there are no examples in assets/")
def test_the_shipped_model_places_an_example(real_window: Window, open_tab: Any) -> None:
    tab = open_tab(real_window)
    wait_for_text(tab, "#gt-status", "Ready")
    tab.page.locator(".gt-example").first.click()
    assert rows(tab)[0].startswith("1")
    wait_for_text(tab, ".gt-note", "EXIF")
    wait_for_text(tab, "#gt-answer .gt-error", "km")
    tab.drop(EXAMPLES[0], names=("dropped.jpg",))
    tab.page.locator('.gt-photo[alt="Photo dropped.jpg"]').wait_for()
    tab.page.locator("#gt-answer .gt-found").wait_for()
    assert tab.foreign_requests() == []
    real_window.close()
    assert real_window.foreign_talk() == ""
    assert not list((real_window.home / "uploads").iterdir())
