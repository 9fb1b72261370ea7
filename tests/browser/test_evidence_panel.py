"""Checking, editing, batches, saving and restricting, as a person does them in a browser."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from PIL import ExifTags, Image

from tests.browser.conftest import Tab, Window

pytestmark = pytest.mark.slow


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.jpg"
    exif = Image.Exif()
    exif[ExifTags.Base.Make] = "Some Camera"
    Image.new("RGB", (320, 240), "seagreen").save(path, exif=exif)
    return path


def wait_for_text(tab: Tab, selector: str, text: str) -> None:
    tab.page.locator(selector).filter(has_text=text).first.wait_for()


def test_places_open_and_links_stay_closed_until_clicked(
    fake_window: Window, open_tab: Any, photo: Path
) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo, names=("city.jpg",))
    wait_for_text(tab, "#gt-answer", "Probably the Arezzo area, Tuscany, Italy.")
    tab.map.locator(".pin").nth(2).wait_for()
    first = tab.page.locator('tr[data-rank="1"]')
    first.focus()
    tab.page.keyboard.press("ArrowRight")
    tab.page.locator("#gt-more-1").wait_for()
    tab.page.keyboard.press("ArrowDown")
    tab.map.locator(".pin-2.is-selected").wait_for()
    tab.page.locator(".gt-check summary").click()
    link = tab.page.locator(".gt-check a").first
    assert link.get_attribute("rel") == "noopener noreferrer"
    assert tab.foreign_requests() == [] and tab.problems == []


def test_paint_over_locate_and_undo(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    tab.drop(photo)
    wait_for_text(tab, "#gt-answer", "Best match near")
    tab.page.get_by_role("button", name="Crop or mask").click()
    canvas = tab.page.locator("#gt-editor canvas")
    canvas.wait_for()
    canvas.scroll_into_view_if_needed()
    box = canvas.bounding_box()
    tab.page.mouse.move(box["x"] + 20, box["y"] + 20)
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 90, box["y"] + 80, steps=3)
    tab.page.mouse.up()
    tab.page.get_by_role("button", name="Locate the edited picture").click()
    wait_for_text(tab, ".gt-half.gt-on", "Probably the Arezzo area")
    wait_for_text(tab, ".gt-half", "Best match near")
    [edited] = list(fake_window.home.rglob("edited.jpg"))
    with Image.open(edited) as picture:
        assert not picture.getexif() and picture.size == (320, 240)
        assert picture.getpixel((50, 45)) != picture.getpixel((300, 220))
    tab.page.get_by_role("button", name="Remove the edited one").click()
    tab.page.locator(".gt-pair").wait_for(state="detached")
    assert tab.problems == []


def test_a_batch_is_sorted_filtered_picked_and_saved(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window)
    names = tuple(f"{kind}{i}.jpg" for i in range(20) for kind in ("city", "photo", "bad"))
    tab.drop(*[photo] * 60, names=names)
    wait_for_text(tab, "#gt-results .gt-words", "60 of 60 photos done, 20 not read.")
    tab.map.locator('[data-dots="39"]').wait_for(state="attached")
    lines = tab.page.locator("#gt-results tbody tr")
    assert lines.count() == 50  # a page
    tab.page.get_by_role("button", name="Photo", exact=True).click()
    assert lines.first.inner_text().startswith("bad0.jpg")
    tab.page.locator(".gt-chip", has_text="located").click()
    assert lines.count() == 40
    tab.page.get_by_label("Filter the photos").fill("tuscany")
    assert lines.count() == 20
    lines.nth(3).click()
    wait_for_text(tab, "#gt-answer", "Probably the Arezzo area")
    with tab.page.expect_download() as saved:
        tab.page.locator('[data-format="csv"]').click()
    assert saved.value.suggested_filename == "geotool-60-photos.csv"
    text = Path(saved.value.path()).read_text(encoding="utf-8")
    assert "city7.jpg" in text and str(fake_window.home) not in text
    assert tab.foreign_requests() == [] and tab.problems == []


def test_a_restriction_is_chosen_drawn_and_removed(fake_window: Window, open_tab: Any) -> None:
    tab = open_tab(fake_window)
    tab.page.get_by_text("Only in some countries or areas").click()
    field = tab.page.locator("#gt-area textarea, #gt-area input").first
    field.fill("IT,FR")
    field.press("Enter")
    wait_for_text(tab, ".gt-within", "Italy")
    box = tab.map.locator(".folium-map").bounding_box()
    tab.page.mouse.move(box["x"] + 150, box["y"] + 120)
    tab.page.keyboard.down("Shift")
    tab.page.mouse.down()
    tab.page.mouse.move(box["x"] + 260, box["y"] + 190, steps=4)
    tab.page.mouse.up()
    tab.page.keyboard.up("Shift")
    wait_for_text(tab, ".gt-within", "between")
    tab.page.locator(".gt-within", has_text="Italy").click()
    tab.page.locator(".gt-within", has_text="Italy").wait_for(state="detached")
    assert tab.page.locator(".gt-within").count() == 2


def test_places_fit_a_phone(fake_window: Window, open_tab: Any, photo: Path) -> None:
    tab = open_tab(fake_window, viewport={"width": 390, "height": 900})
    tab.drop(photo, names=("city.jpg",))
    tab.page.locator(".gt-open").first.click()
    for element in tab.page.locator("#gt-candidates .gt-places, .gt-open, .gt-narrow >> visible=true").all():
        box = element.bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= 390
