"""The curves of a job: how fast it was, and for a training what it learnt. Plain JSON for the page."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

from geotool.core.artifacts import unfinished_folder
from geotool.core.geo import THRESHOLDS_KM
from geotool.training.curves import CURVES_DIR, LINES_FILE

MOST_POINTS = 200
Events = Sequence[dict[str, Any]]
Curve = dict[str, Any]
Point = tuple[float, float]


def find_curves(events: Events, config: dict[str, Any]) -> list[Curve]:
    """Those that have at least two points: loss, accuracy within the five distances, rate."""
    rows = _read_metrics(config.get("out")) or _steps_of_tower(events)
    loss = _line(rows, "step", "loss")
    accuracy = [
        {"label": f"{km} km", "band": band, "points": _line(rows, "step", f"within_{km}_km")}
        for band, km in enumerate(THRESHOLDS_KM)
    ]
    curves = [
        _curve("Loss", "", "step", [{"label": "", "band": None, "points": loss}]),
        _curve("Validation within", "%", "step", accuracy),
    ]
    if not rows:
        curves.append(_rate(events))
    return [curve for curve in curves if curve["lines"]]


def _curve(title: str, unit: str, along: str, lines: Iterable[dict[str, Any]]) -> Curve:
    drawn = [{**line, "points": thin(line["points"])} for line in lines if len(line["points"]) > 1]
    return {"title": title, "unit": unit, "along": along, "lines": drawn}


def _read_metrics(out: str | None) -> list[dict[str, Any]]:
    """The rows that a training wrote, beside the model that it is making or in the finished one."""
    if not out:
        return []
    for folder in (unfinished_folder(Path(out)), Path(out)):
        file = folder / CURVES_DIR / LINES_FILE
        if file.is_file():
            lines = file.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
            return [json.loads(line) for line in lines if line.endswith("\n")]
    return []


def _steps_of_tower(events: Events) -> list[dict[str, Any]]:
    return [event["values"] for event in events if event["name"] == "training"]


def _line(rows: Iterable[dict[str, Any]], x: str, y: str) -> list[Point]:
    return [(row[x], row[y]) for row in rows if row.get(x) is not None and row.get(y) is not None]


def _rate(events: Events) -> Curve:
    """Units per second over the time of the latest start and of its longest stage."""
    started = max((n for n, event in enumerate(events) if event["name"] == "started"), default=0)
    noted = [event for event in events[started:] if event["name"] == "progress"]
    units = [event["values"]["unit"] for event in noted]
    unit = max(set(units), key=units.count, default="")
    noted = [event for event in noted if event["values"]["unit"] == unit]
    points = [
        (after["at"] - noted[0]["at"], max(0.0, _per_s(before, after)))
        for before, after in pairwise(noted)
        if after["at"] > before["at"]
    ]
    return _curve(f"{unit or 'units'} per second", "/s", "s", [{"label": "", "band": None, "points": points}])


def _per_s(before: dict[str, Any], after: dict[str, Any]) -> float:
    done = after["values"]["done"] - before["values"]["done"]
    return float(done / (after["at"] - before["at"]))


def thin(points: Sequence[Point]) -> list[list[float]]:
    """At most `MOST_POINTS` of them, evenly taken, the last always among them."""
    step = -(-len(points) // MOST_POINTS)
    kept = [*points[:-1][::step], *points[-1:]] if step > 1 else points
    return [[float(f"{value:.5g}") for value in point] for point in kept]
