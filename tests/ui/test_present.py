from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from geotool.core.geo import LatLon
from geotool.core.records import ItemError
from geotool.ui import present
from geotool.ui.model_host import LoadState
from geotool.ui.place_table import table_html
from geotool.ui.state import Item, LocateState
from tests.fakes import SEARCH, FakeEngine, FakeInfo, fake_prediction, unknown_prediction

EVIL = "<img src=x onerror=alert(1)>${alert(2)}.jpg"
READY = LoadState(phase="ready", name="fake", engine=FakeEngine())
GEOCLIP = FakeInfo(
    name="geoclip", title="GeoCLIP", purpose="Photographs.", state="not downloaded", download_mb=1710
)


def shown(result: object, name: str = "a.jpg", **fields: object) -> LocateState:
    item = Item(key="f1", name=name, path=Path(name), **fields)
    return LocateState(items=(item.with_result(result) if result else item,))


def test_the_answer_names_the_place_and_the_error() -> None:
    html = present.answer_html(shown(fake_prediction(truth=LatLon(lat=43.5, lon=11.9))), READY)
    assert "Best match near 43.4700, 11.8800" in html
    assert "<strong>3.70 km</strong>" in html or "<strong>3.71 km</strong>" in html
    assert "city level" in html


def test_no_probability_is_claimed() -> None:
    html = present.answer_html(shown(fake_prediction()), READY)
    assert "not a finding" in html
    assert html.count(" %") == html.count(" of the candidates' weight</span>") == 3
    assert "not probabilities" in html
    assert "%" not in present.answer_html(shown(replace(fake_prediction(), search=None)), READY)


def test_the_path_has_a_name_a_share_and_a_bar_per_level() -> None:
    html = present.answer_html(shown(fake_prediction()), READY)
    names = ["<b>Europe</b>", "<b>Italy</b>", "<b>43.5 N 11.8 E</b>"]
    assert sorted(names, key=html.index) == names
    for text, width in (("93 %", "93.0%"), ("71 %", "70.6%"), ("40 %", "40.0%")):
        assert f"<span>{text}<" in html
        assert f"width:{width}" in html
    assert "1\u2009086 comparisons among 94\u2009100 gallery points" in html


@pytest.mark.parametrize(
    "result",
    [
        unknown_prediction(),
        ItemError(path="a.jpg", stage="read", message="The file is no picture."),
        replace(fake_prediction(), search=None),
        replace(fake_prediction(), search=replace(SEARCH, path=())),
    ],
)
def test_without_a_path_nothing_is_shown_of_it(result: object) -> None:
    html = present.answer_html(shown(result), READY)
    assert "gt-path" not in html
    assert "comparisons" not in html


def test_names_in_the_path_are_escaped() -> None:
    search = replace(SEARCH, path=(replace(SEARCH.path[0], name=EVIL, mass=0.001),))
    html = present.answer_html(shown(replace(fake_prediction(), search=search)), READY)
    assert "<img" not in html
    assert "&lt;img" in html
    assert "&lt; 1 %" in html


def test_unknown_says_why_and_what_helps() -> None:
    html = present.answer_html(shown(unknown_prediction()), READY, GEOCLIP)
    assert "gets no pin" in html
    assert "GeoCLIP" in html
    assert present.remedy_label(GEOCLIP) == "Get GeoCLIP (1.7 GB)"
    assert present.remedy_label(replace(GEOCLIP, state="ready")) == "Use GeoCLIP"


def test_the_remedy_is_never_the_model_in_use() -> None:
    assert present.find_remedy([FakeInfo(), GEOCLIP], "fake") == GEOCLIP
    assert present.find_remedy([FakeInfo(), GEOCLIP], "geoclip") is None


@pytest.mark.parametrize(
    "html",
    [
        present.answer_html(shown(None, EVIL, status="working"), READY),
        present.answer_html(shown(ItemError(path=EVIL, stage="read", message=EVIL), EVIL), READY),
        present.details_html(shown(fake_prediction(EVIL), EVIL).current),
        present.header_html(LoadState(phase="failed", message=EVIL)),
        present.truth_note(None, EVIL),
        present.notice_html(EVIL),
        present.progress_html(EVIL, 0.5),
        present.model_card_html(FakeInfo(title=EVIL, purpose=EVIL, licence=EVIL), in_use=True),
    ],
)
def test_names_and_messages_are_escaped(html: str) -> None:
    assert "<img" not in html
    assert "&lt;img" in html


def test_exif_texts_are_escaped() -> None:
    prediction = fake_prediction()
    photo = replace(prediction.photo, camera=EVIL, warnings=(EVIL,))
    html = present.details_html(shown(replace(prediction, photo=photo)).current)
    assert "<img" not in html


def test_the_photo_box_gets_plain_values() -> None:
    value = present.photo_box_value(shown(fake_prediction(), EVIL))
    assert value["items"][0]["name"] == EVIL  # the script sets it as text
    assert value["items"][0]["status"] == "answer"


def test_the_table_has_a_row_per_candidate_with_its_own_error() -> None:
    html = table_html(fake_prediction(truth=LatLon(lat=43.5, lon=11.9)))
    assert html.count("<tr data-rank") == 5
    assert html.count('tabindex="0"') == 1
    assert 'data-copy="43.4700, 11.8800"' in html
    assert "109 km" in html
    assert table_html(unknown_prediction()) == ""


def test_the_header_tells_loading_failing_and_ready() -> None:
    assert "Loading the model 40%: gallery" in present.header_html(
        LoadState(phase="loading", share=0.4, step="gallery")
    )
    assert "Ready on CPU, fp32" in present.header_html(READY)


def test_the_truth_note_names_the_source() -> None:
    state = shown(fake_prediction(truth=LatLon(lat=1, lon=2)))
    assert "EXIF" in present.truth_note(state.current)
    clicked = state.with_truth(LatLon(lat=3, lon=4), "clicked")
    assert "Clicked" in present.truth_note(clicked.current)
    assert present.truth_text(clicked.current) == "3.0000, 4.0000"
    assert present.truth_text(clicked.with_truth(None, None).current) == ""
