"""The Locate tab without a browser: its handlers are plain generators over LocateState."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from geotool.core.errors import NotFoundError
from geotool.core.geo import LatLon
from geotool.ui.shell import Shell, build_app
from geotool.ui.state import LocateState
from tests.fakes import FakeEngine, FakeInfo

GEOCLIP = FakeInfo(
    name="geoclip", title="GeoCLIP", purpose="Photographs.", state="not downloaded", download_mb=1710
)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def shell(tmp_path: Path, engine: FakeEngine) -> Iterator[Shell]:
    shell = build_app(lambda name, report: engine, tmp_path, list_models=lambda: [GEOCLIP, FakeInfo()])
    shell.host.start_once()
    yield shell
    shell.host.close()


def drop(shell: Shell, *names: str, state: LocateState | None = None) -> list[dict[Any, Any]]:
    """Upload files of these names and give all updates of the page."""
    tab = shell.locate
    files = []
    for number, name in enumerate(names):
        path = tab.upload_folder / str(number) / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"a picture")
        files.append({"key": f"f{number}", "name": name, "file": str(path)})
    return list(tab.take_photos(state or LocateState(), SimpleNamespace(files=files)))


def last_state(shell: Shell, updates: list[dict[Any, Any]]) -> LocateState:
    return updates[-1][shell.locate.parts.state]


def test_a_photo_gets_pins_table_and_error(shell: Shell) -> None:
    update = drop(shell, "photo.jpg")[-1]
    parts = shell.locate.parts
    assert "Best match near" in update[parts.answer]
    assert "pin-5" in update[parts.map]["document"]
    assert update[parts.map]["overlay"]["label"] == "3.71 km"
    assert update[parts.truth] == "43.5000, 11.9000"
    assert "<table" in update[parts.table]


def test_the_truth_never_reaches_the_engine_and_does_not_ask_it_again(
    shell: Shell, engine: FakeEngine
) -> None:
    state = last_state(shell, drop(shell, "photo.jpg"))
    update = shell.locate.click_truth(state, SimpleNamespace(lat=45.0, lon=-190.0))
    assert update[shell.locate.parts.truth] == "45.0000, 170.0000"
    assert [call["truth"] for call in engine.calls] == [None]


def test_typed_truth_is_parsed_or_explained(shell: Shell) -> None:
    state = last_state(shell, drop(shell, "photo.jpg"))
    parts = shell.locate.parts
    update = shell.locate.type_truth(state, "48.8584, 2.2945")
    assert update[parts.state].current.prediction.photo.truth == LatLon(lat=48.8584, lon=2.2945)
    problem = shell.locate.type_truth(state, "somewhere")
    assert list(problem) == [parts.note]
    assert "gt-bad" in problem[parts.note]
    assert shell.locate.type_truth(update[parts.state], " ")[parts.truth] == ""


def test_the_truth_needs_a_photo(shell: Shell) -> None:
    update = shell.locate.click_truth(LocateState(), SimpleNamespace(lat=1, lon=2))
    assert "Drop a photo first" in update[shell.locate.parts.note]


def test_a_batch_gives_one_result_or_error_each(shell: Shell) -> None:
    updates = drop(shell, "a.jpg", "bad.jpg", "street.jpg", "b.jpg")
    state = last_state(shell, updates)
    assert [item.status for item in state.items] == ["answer", "error", "unknown", "answer"]
    assert any(last_state(shell, [update]).busy for update in updates)  # drawn while it goes on
    picked = shell.locate.pick(state, SimpleNamespace(index=2))
    assert picked[shell.locate.parts.remedy]["visible"]
    assert "pin-1" not in picked[shell.locate.parts.map]["document"]


def test_one_bad_file_leaves_the_old_answer(shell: Shell) -> None:
    state = last_state(shell, drop(shell, "photo.jpg"))
    after = last_state(shell, drop(shell, "bad.jpg", state=state))
    assert after.items == state.items
    assert after.notice.startswith("bad.jpg was not read.")


@pytest.mark.parametrize("path", ["/etc/passwd", "../../etc/passwd", "https://example.org/a.jpg", ""])
def test_a_path_from_elsewhere_is_refused(shell: Shell, engine: FakeEngine, path: str) -> None:
    event = SimpleNamespace(files=[{"key": "f1", "name": "a.jpg", "file": path}])
    state = last_state(shell, list(shell.locate.take_photos(LocateState(), event)))
    assert state.items[0].status == "error"
    assert engine.calls == []


def test_a_photo_waits_for_the_model_and_says_so(tmp_path: Path, engine: FakeEngine) -> None:
    gate = threading.Event()

    def load(name: str | None, report: Any) -> FakeEngine:
        report.event("encoding the gallery")
        gate.wait(20)
        return engine

    shell = build_app(load, tmp_path, list_models=lambda: [FakeInfo()])
    shell.host.start_once()
    (tmp_path / "a.jpg").write_bytes(b"x")
    event = SimpleNamespace(files=[{"key": "f1", "name": "a.jpg", "file": str(tmp_path / "a.jpg")}])
    updates = shell.locate.take_photos(LocateState(), event)
    assert "Waiting for the model" in next(updates)[shell.locate.parts.answer]
    gate.set()
    assert "Best match" in list(updates)[-1][shell.locate.parts.answer]
    shell.host.close()


def test_a_model_that_fails_is_an_error_of_each_photo(tmp_path: Path) -> None:
    def load(name: str | None, report: Any) -> FakeEngine:
        raise NotFoundError("The weights are missing.", "Download them.")

    shell = build_app(load, tmp_path, list_models=lambda: [FakeInfo()])
    shell.host.start_once()
    state = last_state(shell, drop(shell, "photo.jpg"))
    assert state.items[0].message == "The weights are missing. Download them."
    assert "The weights are missing" in list(shell.follow_loading())[-1][shell.status]
    shell.host.close()


def test_switching_models_loads_the_other_one(tmp_path: Path, engine: FakeEngine) -> None:
    loaded = []

    def load(name: str | None, report: Any) -> FakeEngine:
        loaded.append(name)
        return engine

    shell = build_app(load, tmp_path, list_models=lambda: [FakeInfo(), GEOCLIP])
    list(shell.follow_loading())
    list(shell.switch_model("geoclip"))
    assert loaded == [None, "geoclip"]
    shell.host.close()


def test_a_model_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nothing"):
        build_app(model="nothing", upload_folder=tmp_path, list_models=lambda: [FakeInfo()])


def test_a_stopped_batch_keeps_what_it_has_and_can_go_on(shell: Shell, engine: FakeEngine) -> None:
    tab = shell.locate
    files = []
    for name in ("a.jpg", "b.jpg", "c.jpg"):
        (tab.upload_folder / name).write_bytes(b"x")
        files.append({"key": name, "name": name, "file": str(tab.upload_folder / name)})
    updates = tab.take_photos(LocateState(), SimpleNamespace(files=files))
    tab.stop(next(updates)[tab.parts.state], SimpleNamespace())  # while the first one is located
    state = last_state(shell, list(updates))
    assert [item.status for item in state.items] == ["answer", "stopped", "stopped"]
    assert len(engine.calls) == 1
    state = last_state(shell, list(tab.locate_again(state)))
    assert [item.status for item in state.items] == ["answer"] * 3
    assert len(engine.calls) == 3


def test_stopping_the_photos_before_does_not_stop_those_that_came_since(shell: Shell) -> None:
    tab = shell.locate
    (tab.upload_folder / "new.jpg").write_bytes(b"x")
    files = [{"key": "new", "name": "new.jpg", "file": str(tab.upload_folder / "new.jpg")}]
    updates = tab.take_photos(LocateState(), SimpleNamespace(files=files))
    tab.stop(next(updates)[tab.parts.state], SimpleNamespace(batch="old"))  # arrives late
    assert [item.status for item in last_state(shell, list(updates)).items] == ["answer"]


def test_an_edited_copy_is_located_beside_the_original(shell: Shell) -> None:
    tab = shell.locate
    state = last_state(shell, drop(shell, "photo.jpg"))
    (tab.upload_folder / "edited.jpg").write_bytes(b"x")
    event = SimpleNamespace(file=str(tab.upload_folder / "edited.jpg"))
    [update] = tab.take_edited(state, event)
    both = update[tab.parts.state]
    assert "Probably the Arezzo area" in update[tab.parts.answer]
    assert "Best match near" in update[tab.parts.answer]
    original = tab.show_original(both)[tab.parts.state].shown
    assert original.result == state.shown.result
    assert tab.remove_edited(both)[tab.parts.state].items == state.items


def test_an_edited_copy_from_elsewhere_is_refused(shell: Shell, engine: FakeEngine) -> None:
    state = last_state(shell, drop(shell, "photo.jpg"))
    assert list(shell.locate.take_edited(state, SimpleNamespace(file="/etc/passwd"))) == []
    assert len(engine.calls) == 1


def test_another_photo_can_be_looked_at_while_a_batch_goes_on(shell: Shell) -> None:
    tab = shell.locate
    files = []
    for name in ("a.jpg", "b.jpg"):
        (tab.upload_folder / name).write_bytes(b"x")
        files.append({"key": name, "name": name, "file": str(tab.upload_folder / name)})
    updates = tab.take_photos(LocateState(), SimpleNamespace(files=files))
    tab.pick(next(updates)[tab.parts.state], SimpleNamespace(index=1))
    assert last_state(shell, list(updates)).selected == 1


def test_a_restriction_that_cannot_be_meant_is_explained(shell: Shell) -> None:
    tab = shell.locate
    [update] = tab.type_area(LocateState(), "50, 10, 40, 12")
    assert "South comes first" in update[tab.parts.within]
    updates = list(tab.draw_box(LocateState(), SimpleNamespace(south=43, west=10, north=45, east=12)))
    assert updates[-1][tab.parts.state].within.areas[0].north == 45


def test_a_circle_on_the_map_restricts_and_is_drawn(shell: Shell) -> None:
    tab = shell.locate
    state = last_state(shell, drop(shell, "photo.jpg"))
    updates = list(tab.draw_circle(state, SimpleNamespace(lat=43.5, lon=11.9, radius_km=200.0)))
    after = updates[-1][tab.parts.state]
    assert str(after.within) == "43.5,11.9,200" and after.current.within == after.within
    assert "Restricted to: within 200 km of 43.5, 11.9." in updates[-1][tab.parts.answer]
    assert len(updates[-1][tab.parts.map]["areas"]) == 1


def test_a_batch_waits_for_locate_again_and_says_so(shell: Shell, engine: FakeEngine) -> None:
    tab = shell.locate
    state = last_state(shell, drop(shell, "a.jpg", "b.jpg"))
    [update] = tab.choose_countries(state, ["IT"])
    assert len(engine.calls) == 2
    assert "Found without the restriction below." in update[tab.parts.answer]
    update = list(tab.locate_again(update[tab.parts.state]))[-1]
    assert "Restricted to: Italy." in update[tab.parts.answer]
