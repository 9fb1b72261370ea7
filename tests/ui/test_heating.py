"""Heat on demand without a browser: which photo it is of, what is said meanwhile, when it is given up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from geotool.answer.restriction import parse_within
from geotool.output.heat_image import heat_overlay
from geotool.ui.map_value import with_map
from geotool.ui.shell import Shell, build_app
from geotool.ui.state import Item, LocateState
from tests.fakes import STAMP, FakeEngine, FakeInfo, fake_prediction, placed_prediction


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def shell(tmp_path: Path, engine: FakeEngine) -> Iterator[Shell]:
    shell = build_app(lambda name, report: engine, tmp_path, list_models=lambda: [FakeInfo()])
    shell.host.start_once()
    shell.host.wait(20)
    yield shell
    shell.host.close()


def located(*names: str) -> LocateState:
    items = [Item(key=name, name=name, path=Path(name)).with_result(fake_prediction(name)) for name in names]
    return with_map(LocateState(items=tuple(items)))


def ask(shell: Shell, state: LocateState, key: str | None = None) -> Iterator[dict[str, Any]]:
    """What the map is told, one after the other."""
    tab = shell.locate
    event = SimpleNamespace(key=state.drawn.key if key is None else key)
    return (update[tab.parts.heat] for update in tab.show_heat(state, event))


def test_the_heat_is_that_of_the_photo_on_the_map(shell: Shell, engine: FakeEngine) -> None:
    state = located("a.jpg", "second.jpg")
    [first] = ask(shell, state)
    picked = with_map(state.with_selected(1))
    [second] = ask(shell, picked)
    assert engine.heats == ["a.jpg", "second.jpg"]
    assert (first["key"], second["key"]) == (state.drawn.key, picked.drawn.key)
    assert first["heat"] == heat_overlay(engine.find_heat("a.jpg")) != second["heat"]


def test_an_edited_copy_has_a_heat_of_its_own(shell: Shell, engine: FakeEngine) -> None:
    copy = Item(key="", name="edited", path=Path("edited.jpg")).with_result(placed_prediction("edited.jpg"))
    state = located("a.jpg")
    state = with_map(state.with_current(state.items[0].with_edited(copy)))
    assert "image" in list(ask(shell, state))[-1]["heat"]
    assert engine.heats == ["edited.jpg"]


def test_a_map_that_has_gone_gets_nothing(shell: Shell, engine: FakeEngine) -> None:
    before = located("a.jpg")
    assert list(ask(shell, located("b.jpg"), key=before.drawn.key)) == []
    assert list(ask(shell, LocateState(), key="")) == []
    assert engine.heats == []


def test_why_there_is_none_is_said(shell: Shell, engine: FakeEngine) -> None:
    [answer] = ask(shell, located("gone.jpg"))
    assert answer["heat"] == {"note": "There is no file gone.jpg. Check the path."}
    engine.stamp = replace(STAMP, fingerprint="another")
    [answer] = ask(shell, located("a.jpg"))
    assert "Locate again" in answer["heat"]["note"]


def test_a_long_one_says_how_far_it_is_and_ends_when_nobody_looks(shell: Shell) -> None:
    state = located("slow.jpg")
    values = ask(shell, state)
    assert next(values)["heat"] == {"note": "Being computed: 40 %."}
    shell.locate.stop_heat(SimpleNamespace(key="another map"))
    assert next(values)["heat"] == {"note": "Being computed: 40 %."}
    shell.locate.stop_heat(SimpleNamespace(key=state.drawn.key))
    assert list(values) == []


def test_it_keeps_to_the_restriction_of_its_answer(shell: Shell, engine: FakeEngine) -> None:
    state, area = located("a.jpg"), parse_within(["43,10,45,12"])
    list(ask(shell, state.with_current(replace(state.items[0], within=area))))
    assert engine.restriction == area
    list(ask(shell, replace(state, within=area)))  # chosen after this answer was found
    assert engine.restriction is None
