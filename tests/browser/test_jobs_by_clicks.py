"""From an empty folder to a model of one's own, by clicks alone; and what becomes of jobs on the way."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.browser.conftest import PROJECT, Tab, Window, open_window

pytestmark = pytest.mark.slow
MINUTES = 60_000


@pytest.fixture
def window(real_window: Window) -> Iterator[Window]:
    yield real_window
    for process in jobs_of(real_window):
        process.kill()


def jobs_of(window: Window) -> list[psutil.Process]:
    """Processes of jobs: commands that were started with this home."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(window.home) in line and "geotool.ui" not in line and process.pid != window.process.pid:
            found.append(process)
    return found


def open_jobs(tab: Tab) -> Tab:
    tab.page.get_by_role("tab", name="Jobs").click()
    tab.page.locator(".gt-field").first.wait_for()
    return tab


def choose_step(tab: Tab, step: str) -> None:
    tab.page.get_by_role("button", name="A single step").click()
    tab.page.get_by_label("Step", exact=True).select_option(step)
    tab.page.locator("#gt-step").locator(f'option[value="{step}"]:checked').wait_for(state="attached")


def start_tiles(tab: Tab, count: int) -> None:
    choose_step(tab, "demo-data")
    tab.page.get_by_label("Count", exact=True).fill(str(count))
    tab.page.get_by_role("button", name="Start", exact=True).click()


def job(tab: Tab, number: int, status: str = "") -> Any:
    state = f"[data-status={status}]" if status else ""
    return tab.page.locator(f'.gt-job[data-job="{number}"]{state}')


def words(tab: Tab, number: int) -> str:
    return job(tab, number).locator(".gt-progress-of-job").inner_text()


def wait_until(is_so: Callable[[], object], at_most_s: float = 60) -> None:
    end = time.monotonic() + at_most_s
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.1)


def test_watch_stop_resume_and_delete(window: Window, open_tab: Any) -> None:
    tab = open_jobs(open_tab(window))
    start_tiles(tab, 20_000)
    job(tab, 1, "running").wait_for()
    wait_until(lambda: re.search(r"\d of 20", words(tab, 1)))
    job(tab, 1).locator(".gt-toggle").click()
    tab.page.locator(".gt-log").wait_for()
    tab.page.get_by_role("button", name="Stop", exact=True).click()
    tab.page.get_by_role("button", name="Leave it").click()
    tab.page.get_by_role("button", name="Stop", exact=True).click()
    tab.page.get_by_role("button", name="Stop it").click()
    job(tab, 1, "stopped").wait_for()
    wait_until(lambda: not jobs_of(window))

    tab.page.get_by_role("button", name="Resume").click()
    job(tab, 1, "running").wait_for()
    tab.page.reload()
    open_jobs(tab)
    job(tab, 1, "running").wait_for()
    for process in jobs_of(window):
        process.kill()
    job(tab, 1, "lost").wait_for()
    job(tab, 1).locator(".gt-toggle").click()
    tab.page.locator(".gt-problem").filter(has_text="Resume it").wait_for()
    tab.page.get_by_role("button", name="Delete", exact=True).click()
    tab.page.get_by_role("button", name=re.compile("Delete it, frees")).click()
    job(tab, 1).wait_for(state="detached")
    tab.page.locator(".gt-job-notice").filter(has_text="freed").wait_for()
    assert tab.foreign_requests() == []
    assert tab.problems == []


def test_a_mistake_is_said_at_its_field(window: Window, open_tab: Any) -> None:
    tab = open_jobs(open_tab(window))
    tab.page.get_by_role("button", name="Make the model").click()
    tab.page.locator(".gt-wrong").get_by_text("Data set").wait_for()
    tab.page.get_by_label("Data set", exact=True).fill(str(window.home.parent) + "/")
    tab.page.locator(f'datalist option[value="{window.home}"]').wait_for(state="attached")
    tab.page.get_by_text("The same in a shell").click()
    line = tab.page.locator("#gt-job-form .gt-line")
    line.filter(has_text="region-model").wait_for()
    assert "--name=my-region" in line.inner_text()


def test_nothing_is_asked_while_nobody_looks(window: Window, open_tab: Any) -> None:
    tab = open_jobs(open_tab(window))
    tab.page.locator(".gt-no-jobs").wait_for()
    choose_step(tab, "train")
    model = tab.page.get_by_label("Start from the model")
    model.select_option("bluemarble")
    tab.page.get_by_role("tab", name="Help").click()
    tab.page.wait_for_timeout(500)
    before = len(tab.requests)
    tab.page.wait_for_timeout(6000)
    asked = [url for url in tab.requests[before:] if "heartbeat" not in url]
    assert asked == []
    tab.page.get_by_role("tab", name="Jobs").click()
    tab.page.wait_for_timeout(4000)
    assert model.input_value() == "bluemarble"


def test_from_nothing_to_a_model_that_places_a_tile(window: Window, open_tab: Any) -> None:
    tab = open_jobs(open_tab(window))
    tab.page.get_by_role("button", name="Class-room").click()
    tab.page.get_by_label("Tiles", exact=True).fill("500")
    tab.page.get_by_label("Test tiles").fill("250")
    tab.page.get_by_role("button", name="Start the demonstration").click()
    job(tab, 6, "done").wait_for(timeout=5 * MINUTES)
    job(tab, 4).locator(".gt-toggle").click()
    tab.page.get_by_role("img", name=re.compile("Loss")).wait_for()
    tab.page.get_by_role("button", name="Use the model classroom").click()
    tab.page.locator("#gt-status").filter(has_text="Ready").wait_for()
    tab.page.get_by_role("tab", name="Models").click()
    tab.page.locator(".gt-model", has_text="classroom").get_by_text("in use").wait_for()
    tab.page.get_by_role("tab", name="Locate").click()
    tiles = sorted((window.home / "data" / "classroom-tiles" / "images").iterdir())
    tab.drop(*tiles[:6])  # a model of a minute may know none of a few others
    tab.page.locator(".gt-strip .gt-is-answer").first.click()
    tab.map.locator(".pin").first.wait_for()
    assert tab.foreign_requests() == []
    assert tab.problems == []


@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1920, "dark")])
def test_jobs_and_models_are_not_cut_off(fake_window: Window, open_tab: Any, width: int, scheme: str) -> None:
    tab = open_jobs(open_tab(fake_window, viewport={"width": width, "height": 900}, color_scheme=scheme))
    choose_step(tab, "train")
    tab.page.locator(".gt-rest-of-form summary").click()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width
    tab.page.get_by_role("tab", name="Models").click()
    tab.page.locator(".gt-model").first.wait_for()
    assert tab.page.evaluate("document.documentElement.scrollWidth") <= width


def test_a_job_outlives_the_window(window: Window, open_tab: Any, tmp_path: Path) -> None:
    tab = open_jobs(open_tab(window))
    start_tiles(tab, 20_000)
    job(tab, 1, "running").wait_for()
    window.process.kill()
    window.process.wait()
    assert jobs_of(window)
    again = open_window(PROJECT / "app.py", tmp_path)
    try:
        tab = open_jobs(open_tab(again))
        job(tab, 1, "running").wait_for()
        wait_until(lambda: re.search(r"\d of 20", words(tab, 1)))
    finally:
        again.close()
