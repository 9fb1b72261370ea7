"""The report from disk, in a real browser that has no network."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from geotool.core.geo import LatLon
from geotool.output import export
from tests.fakes import placed_prediction

pytestmark = pytest.mark.slow


def test_the_report_draws_its_map_offline_and_asks_for_nothing(browser: Any, tmp_path: Path) -> None:
    report = tmp_path / "report.html"
    name = "<img src=x onerror=\"document.title='hacked'\">.jpg"
    export.write(export.to_text([placed_prediction(name, truth=LatLon(lat=45, lon=9))], "html"), report)
    context = browser.new_context(offline=True, viewport={"width": 390, "height": 800})
    context.set_default_timeout(120_000)
    page = context.new_page()
    asked: list[str] = []
    problems: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda message: problems.append(message.text) if message.type == "error" else None)
    page.goto(report.as_uri(), wait_until="commit")
    frame = page.frame_locator("iframe")
    frame.locator("[data-basemap=ready]").wait_for()
    assert frame.locator(".pin-1").count() == 1 and frame.locator(".error-line").count() == 1
    assert page.title() == f"geotool report: {name}"
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert (asked, problems) == ([report.as_uri()], [])
    context.close()
