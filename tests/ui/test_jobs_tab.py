"""The Jobs tab on real jobs in a home of its own: what its events answer, without a browser."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from geotool.core.records import RunState
from geotool.jobs.jobs import Jobs
from geotool.ui import job_forms
from geotool.ui.tabs.jobs import JobsTab
from tests.fakes import FakeInfo


def event(**values: Any) -> Any:
    return SimpleNamespace(**values)


@pytest.fixture
def tab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[JobsTab]:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    with gr.Blocks():
        tab = JobsTab(Jobs(), lambda: [FakeInfo()])
    yield tab
    tab.close()
    for state in tab.jobs.list():
        if not state.is_over:
            tab.jobs.stop(state.run_id, grace_s=0)
    wait_until(lambda: all(state.is_over for state in tab.jobs.list()))


def wait_until(is_so: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def look(tab: JobsTab, open_id: int = 0, seen: str = "") -> Any:
    return tab.look(event(open=open_id, most=0, seen=seen))


def start(tab: JobsTab, command: str, **values: Any) -> dict[str, Any]:
    updates = tab.start(event(command=command, key=1, values=values))
    return updates[tab.form]["reply"]


def ended(tab: JobsTab, run_id: int) -> RunState:
    wait_until(lambda: tab.jobs.get(run_id).is_over)
    return tab.jobs.get(run_id)


def test_looking_makes_nothing_and_says_nothing_twice(tab: JobsTab, tmp_path: Path) -> None:
    value = look(tab)
    assert (value["rows"], value["older"], value["detail"]) == ([], False, None)
    assert look(tab, seen=value["seen"]) == gr.skip()
    assert not (tmp_path / "home").exists()


def test_what_is_wrong_is_said_before_the_start(tab: JobsTab) -> None:
    reply = start(tab, "precompute", data="/nowhere")
    assert (reply["field"], reply["problem"]) == ("data", "There is no /nowhere. Check the path.")
    assert tab.jobs.list() == []


def test_an_empty_field_is_no_mistake_while_typing(tab: JobsTab) -> None:
    def check(**values: Any) -> dict:
        return tab.check(event(command="demo-data", key=4, values=values))["reply"]

    assert check(folder="", count="5") == {"line": "", "key": 4}
    assert check(folder="/x", count="no")["field"] == "count"
    assert check(folder="/x", count="5")["line"].startswith("python -m geotool demo-data /x --count=5")


def test_a_job_from_start_to_deletion(tab: JobsTab, tmp_path: Path) -> None:
    tiles = tmp_path / "tiles"
    reply = start(tab, "demo-data", folder=str(tiles), count="3", size_px="16")
    assert reply["words"] == "Job 1 is in the queue."
    assert ended(tab, 1).status == "done"
    value = look(tab, open_id=1)
    [row], detail = value["rows"], value["detail"]
    assert (row["command"], row["title"], row["state"], row["share"]) == ("demo-data", "tiles", "done", 1.0)
    assert ["Count", "3"] in detail["settings"]
    assert "3 tiles" in detail["log"]
    assert "demo-data --config" in detail["line"]

    form = tab.edit(event(run_id=1))[tab.form]["form"]
    shown = {field["name"]: field["value"] for field in form["fields"]}
    assert (form["command"], shown["count"], shown["folder"]) == ("demo-data", "3", str(tiles))

    value = tab.act(event(run_id=1, action="delete", with_unfinished=False, open=1, most=0))
    assert value["notice"].startswith("Job 1 is deleted: ")
    assert (value["rows"], value["detail"]) == ([], None)
    assert (tiles / "metadata.csv").is_file()


def test_stop_and_resume(tab: JobsTab, tmp_path: Path) -> None:
    start(tab, "demo-data", folder=str(tmp_path / "many"), count="1000000")
    wait_until(lambda: tab.jobs.get(1).progress)
    act = {"run_id": 1, "with_unfinished": False, "open": 0, "most": 0}
    assert tab.act(event(action="stop", **act))["notice"] == "Job 1 is asked to stop."
    assert ended(tab, 1).status == "stopped"
    assert look(tab)["rows"][0]["acts"] == ["resume", "edit", "delete"]
    assert tab.act(event(action="resume", **act))["notice"] == "Job 1 is in the queue again."
    assert "not running" not in tab.act(event(action="stop", **act))["notice"]


def test_a_failure_comes_with_its_remedy(tab: JobsTab, tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    start(tab, "evaluate", data=str(tmp_path / "empty"), model="fake")
    assert ended(tab, 1).status == "failed"
    detail = look(tab, open_id=1)["detail"]
    assert detail["error"]
    assert "Traceback" in detail["log"]


def test_a_recipe_is_a_chain(tab: JobsTab) -> None:
    reply = start(tab, "classroom", name="tiny", tiles="20", test_tiles="250")
    assert reply["words"] == "Jobs 1 to 6 are in the queue, one behind the other."
    states = sorted(tab.jobs.list(), key=lambda state: state.run_id)
    assert [state.after for state in states] == [None, 1, 2, 3, 4, 5]
    assert "taken" in start(tab, "classroom", name="bluemarble")["problem"]
    for state in states:
        tab.jobs.stop(state.run_id, grace_s=0) if state.run_id == 1 else None


def test_a_job_without_a_form_is_not_edited(tab: JobsTab) -> None:
    tab.jobs.start("models", {})
    ended(tab, 1)
    assert "no form" in tab.edit(event(run_id=1))[tab.table]["notice"]


def test_an_action_that_is_too_late_says_so(tab: JobsTab) -> None:
    value = tab.act(event(run_id=9, action="stop", with_unfinished=False, open=0, most=0))
    assert "There is no job 9" in value["notice"]


def test_three_choices_lead_to_forms(tab: JobsTab) -> None:
    for key, _, _ in job_forms.CHOICES:
        assert tab.choose(event(command=key))["form"]["choice"] == key
