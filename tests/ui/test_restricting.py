"""A restriction as a person sees it: with the answer, and on the map."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from geopy.distance import geodesic

from geotool.answer.restriction import parse_within
from geotool.core.records import ItemError
from geotool.ui import present
from geotool.ui.map_value import map_value, with_map
from geotool.ui.model_host import LoadState
from geotool.ui.restricting import area_outlines, restricted_html
from geotool.ui.state import Item, LocateState
from tests.fakes import placed_prediction

ITALY, BOX = parse_within(["IT"]), parse_within(["43,10,45,12"])
LOADING = LoadState(phase="loading")


def to_item(**fields: object) -> Item:
    return replace(Item(key="f", name="a.jpg", path=Path("a.jpg")).with_result(placed_prediction()), **fields)


def test_the_answer_says_what_it_was_restricted_to() -> None:
    html = present.answer_html(LocateState(items=(to_item(within=ITALY),), within=ITALY), LOADING)
    assert "Restricted to: Italy." in html
    assert "estrict" not in present.answer_html(LocateState(items=(to_item(),)), LOADING)


@pytest.mark.parametrize(
    ("asked", "wanted", "words"),
    [
        (None, ITALY, "Found without the restriction below. Locate again to use it."),
        (ITALY, None, "Restricted to: Italy. Locate again to search everywhere."),
        (ITALY, BOX, "Restricted to: Italy. Locate again to use it."),
    ],
)
def test_an_answer_from_before_a_change_says_so(asked: object, wanted: object, words: str) -> None:
    assert words in restricted_html(asked, wanted)  # type: ignore[arg-type]


def test_an_area_without_points_is_no_fault_of_the_file() -> None:
    empty = Item(key="f", name="a.jpg", path=Path("a.jpg")).with_problem("No point lies there.")
    assert "a.jpg was not located" in present.answer_html(LocateState(items=(empty,)), LOADING)
    broken = to_item().with_result(ItemError(path="a.jpg", stage="read", message="No picture."))
    assert "a.jpg was not read" in present.answer_html(LocateState(items=(broken,)), LOADING)


def test_areas_are_lines_on_the_map_and_countries_have_their_borders() -> None:
    assert area_outlines(None, 0) == area_outlines(ITALY, 0) == []
    [box] = area_outlines(BOX, 370.0)
    assert box == [[43, 370], [43, 372], [45, 372], [45, 370], [43, 370]]
    [across] = area_outlines(parse_within(["-20,170,-10,-170"]), -175.0)
    assert {lon for _, lon in across} == {-190, -170}
    north, south = area_outlines(parse_within(["-20,-180,-10,180"]), 0.0)
    assert north[1][1] - north[0][1] == south[0][1] - south[1][1] == 360
    [circle] = area_outlines(parse_within(["43.5,11.9,50"]), 0.0)
    assert np.array([geodesic((43.5, 11.9), point).km for point in circle]) == pytest.approx(50, rel=1e-3)


def test_the_map_gets_the_areas_that_are_chosen_now() -> None:
    state = with_map(LocateState(items=(to_item(),), within=BOX))
    value = map_value(state)
    assert value["key"] == state.drawn.key != ""
    assert value["areas"] == area_outlines(BOX, placed_prediction().best.lon)  # type: ignore[union-attr]
