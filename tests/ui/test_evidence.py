"""What lets a person check an answer: sentence by level, places, links out, EXIF, batch rows, exports."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from geotool.core.records import Confidence, ItemError, Prediction
from geotool.ui import answer_words, evidence, present, restricting
from geotool.ui.links_out import links_html
from geotool.ui.model_host import LoadState
from geotool.ui.place_table import table_html
from geotool.ui.results import results_value
from geotool.ui.saving import save
from geotool.ui.state import Item, LocateState
from tests.fakes import AREZZO, NEAR_AREZZO, fake_prediction, placed_prediction, unknown_prediction

EVIL = "<img src=x onerror=alert(1)>"
LOADING = LoadState(phase="loading")


def to_item(prediction: Prediction | ItemError, name: str = "a.jpg") -> Item:
    return Item(key="f1", name=name, path=Path(name)).with_result(prediction)


@pytest.mark.parametrize(
    ("level", "sentence"),
    [
        ("street", "Probably in Arezzo, Tuscany, Italy."),
        ("city", "Probably the Arezzo area, Tuscany, Italy."),
        ("region", "Somewhere in or near Tuscany, Italy."),
        ("country", "Somewhere in or near Italy."),
        ("continent", "Somewhere in Europe."),
    ],
)
def test_the_sentence_follows_the_level(level: str, sentence: str) -> None:
    html = present.answer_html(LocateState(items=(to_item(placed_prediction(level=level)),)), LOADING)
    assert f"<h2>{sentence}</h2>" in html
    assert "Half of such answers are within 12 km, four out of five within 240 km." in html
    assert f"{level.capitalize()} level" in html


def test_a_measured_unknown_names_no_place() -> None:
    item = to_item(placed_prediction(level="unknown"))
    assert item.status == "unknown"
    html = present.answer_html(LocateState(items=(item,)), LOADING)
    assert "This photo does not say where it was taken." in html
    assert "Arezzo" not in html
    assert table_html(item.prediction) == evidence.checking_html(item.prediction) == ""


def test_without_names_and_calibration_coordinates_are_the_answer() -> None:
    assert answer_words.title(fake_prediction()) == "Best match near 43.4700, 11.8800"
    prediction = placed_prediction()
    bare = replace(prediction.places[0], name=None, admin1=None)
    assert "around 43.4700, 11.8800" in answer_words.title(replace(prediction, places=(bare,)))


def test_radii_have_no_more_than_two_digits() -> None:
    words = answer_words.trust(Confidence(level="country", radius50_km=1234.5, radius80_km=2987.0))
    assert "1\u2009200 km" in words and "3\u2009000 km" in words


def test_places_open_to_their_candidates() -> None:
    html = table_html(placed_prediction(truth=NEAR_AREZZO))
    assert html.count("<tr data-rank") == html.count('class="gt-more" hidden') == 3
    assert "<td>0.300</td>" in html  # the second candidate of the first place
    assert "3.71 km" in html and "62 %" in html and "no probability" in html


def test_names_of_places_are_escaped() -> None:
    prediction = placed_prediction()
    prediction = replace(prediction, places=(replace(prediction.places[0], name=EVIL),))
    state = LocateState(items=(to_item(prediction, EVIL),))
    for html in (table_html(prediction), present.answer_html(state, LOADING)):
        assert "<img" not in html and "&lt;img" in html


def test_every_link_says_what_it_sends_and_tells_nothing_else() -> None:
    lines = re.findall(r"<li>.*?</li>", links_html(LatLon(lat=-33.9, lon=18.4)))
    assert len(lines) == 4
    for line in lines:
        assert 'target="_blank" rel="noopener noreferrer" referrerpolicy="no-referrer"' in line
        assert "Opening this sends" in line
    assert "mlat=-33.90000&amp;mlon=18.40000" in lines[0]
    assert "-33.9" not in lines[3].split("<small>")[0]


def test_exif_is_shown_as_the_file_has_it_whatever_the_truth() -> None:
    photo = replace(
        fake_prediction().photo,
        exif_position=LatLon(lat=1.5, lon=2.5), altitude_m=-12.0, orientation=6, camera=EVIL,
        truth=AREZZO, truth_source="typed",
    )  # fmt: skip
    html = evidence.exif_html(replace(fake_prediction(), photo=photo))
    assert "1.500000, 2.500000" in html and "-12 m" in html and "turned by 90 degrees to the right" in html
    assert "43.47" not in html and "<img" not in html
    assert evidence.exif_html(fake_prediction()).count("not recorded") == 4


@pytest.mark.parametrize(("lat", "warned"), [(45.0, False), (45.4, True)])
def test_a_position_farther_than_a_region_is_a_warning(lat: float, warned: bool) -> None:
    prediction = fake_prediction()
    photo = replace(prediction.photo, exif_position=LatLon(lat=lat, lon=11.88))
    html = evidence.checking_html(replace(prediction, photo=photo))
    assert ("cannot both be" in html) is warned
    assert "Check this answer" in html


def test_the_checklist_is_the_help_page() -> None:
    leads = [lead for lead, _ in evidence.checklist()]
    assert "Sun and shadows." in leads and len(leads) >= 7
    assert all(rest for _, rest in evidence.checklist())


def test_an_edited_copy_stands_beside_the_original_with_its_truth() -> None:
    item = to_item(fake_prediction(truth=NEAR_AREZZO))
    both = item.with_edited(to_item(placed_prediction(), "edited.jpg"))
    assert both.shown is both.edited and both.edited.prediction.error_km == item.prediction.error_km
    html = present.answer_html(LocateState(items=(both,)), LOADING)
    assert "Best match near" in html and "Probably the Arezzo area" in html
    assert html.count('aria-pressed="true"') == 1
    assert both.without_edited() == item


def test_a_batch_is_rows_of_plain_values() -> None:
    results = (
        placed_prediction(truth=NEAR_AREZZO), fake_prediction(), unknown_prediction(),
        ItemError(path="x", stage="read", message="No picture."),
    )  # fmt: skip
    state = LocateState(items=tuple(to_item(result, EVIL) for result in results))
    value = results_value(state)
    assert json.loads(json.dumps(value)) == value
    assert [row["level"] for row in value["rows"]] == ["city", "", "unknown", ""]
    places = ["Arezzo, Tuscany, Italy", "43.4700, 11.8800", "", "No picture."]
    assert [row["place"] for row in value["rows"]] == places
    assert value["rows"][0]["error"] == "3.71 km" and value["rows"][1]["error_km"] is None
    assert value["words"] == "4 of 4 photos done, 1 not read."
    assert results_value(LocateState(items=state.items[:1]))["rows"] == []


def test_exports_lie_in_the_private_folder_and_do_not_name_it(tmp_path: Path) -> None:
    photo = replace(fake_prediction().photo, path=tmp_path / "secret" / "a.jpg")
    item = to_item(replace(placed_prediction(), photo=photo), "holiday.jpg")
    state = LocateState(items=(item, to_item(ItemError(path="/private/b", stage="read", message="No."))))
    for format in ("csv", "json", "geojson", "kml"):
        saved = save(state, format, tmp_path)
        path = Path(saved["url"].removeprefix("/gradio_api/file="))
        assert path.is_relative_to(tmp_path) and path.parent.stat().st_mode & 0o077 == 0
        text = path.read_text(encoding="utf-8")
        assert "holiday.jpg" in text and "secret" not in text and "private" not in text
    with pytest.raises(UsageError):
        save(state, "../../x", tmp_path)
    with pytest.raises(UsageError):
        save(LocateState(), "csv", tmp_path)


def test_a_report_says_what_its_answers_were_restricted_to(tmp_path: Path) -> None:
    Image.new("RGB", (32, 24)).save(tmp_path / "a.jpg")
    photo = replace(fake_prediction().photo, path=tmp_path / "a.jpg")
    free = to_item(replace(placed_prediction(), photo=photo))
    italian = replace(free, within=restricting.with_countries(None, ["IT"]))
    for items, words in (((italian,), ">IT<"), ((free, italian), "everywhere, IT"), ((free,), None)):
        saved = save(LocateState(items=items), "html", tmp_path)
        text = Path(saved["url"].removeprefix("/gradio_api/file=")).read_text(encoding="utf-8")
        assert (words in text) if words else ("ithin</dt>" not in text)


def test_a_restriction_is_chips_that_can_be_taken_away() -> None:
    within = restricting.with_countries(None, ["IT", "FR", "nowhere"])
    within = restricting.with_area(within, "-20,170,-10,-170")
    html = restricting.chips_html(within)
    assert "Italy" in html and "France" in html and html.count("data-part") == 3
    assert restricting.without(within, 2) == restricting.with_countries(None, ["IT", "FR"])
    assert restricting.without(within, 0).countries == ("FR",)
    assert restricting.without(restricting.with_countries(None, ["IT"]), 0) is None
    with pytest.raises(UsageError):
        restricting.with_area(None, "1,2")
