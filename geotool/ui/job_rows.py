"""Jobs as rows of their table: plain JSON for its script, in words and numbers that people read."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from geotool.core.records import RunProgress, RunState, RunStatus
from geotool.output.numbers import format_count, format_mb

PAGE = 50  # jobs shown at once; older ones on request
STATES: dict[RunStatus, str] = {
    "queued": "waits",
    "running": "runs",
    "stopping": "is stopping",
    "stopped": "stopped",
    "done": "done",
    "failed": "failed",
    "lost": "lost",
}


def table_value(states: Sequence[RunState], most: int) -> dict[str, Any]:
    """The first `most` jobs; `states` holds one more where there are older ones."""
    waiting = [state.run_id for state in states if state.status == "queued"]
    rows = [to_row(state, waiting) for state in states[:most]]
    return {"rows": rows, "older": len(states) > most}


def digest(value: dict[str, Any]) -> str:
    """Equal for equal values: what a page already shows is not sent again."""
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]


def to_row(state: RunState, waiting: Sequence[int] = ()) -> dict[str, Any]:
    """One job. `share` is None where nothing is known of the whole; `waiting` is the queue in its order."""
    progress = state.progress
    runs = state.status in ("running", "stopping")
    return {
        "id": state.run_id,
        "command": state.command,
        "title": state.title,
        "status": state.status,
        "state": STATES[state.status],
        "words": _words(state, waiting),
        "share": _share(state),
        "rate": _rate(progress) if progress and runs else "",
        "left": duration(progress.left_s) if progress and runs and progress.left_s is not None else "",
        "took": duration(took_s(state)) if state.started_at else "",
        "acts": _acts(state, waiting),
    }


def _acts(state: RunState, waiting: Sequence[int]) -> list[str]:
    """What can be done with a job as it stands."""
    if not state.is_over:
        return ["stop"] + (["first"] if state.run_id in waiting[1:] else []) + ["edit"]
    return (["edit"] if state.status == "done" else ["resume", "edit"]) + ["delete"]


def _share(state: RunState) -> float | None:
    progress = state.progress
    if state.status == "done":
        return 1.0
    if progress is None or not progress.total:
        return None
    return round(min(1.0, progress.done / progress.total), 4)


def _words(state: RunState, waiting: Sequence[int]) -> str:
    """What is worth knowing beside the state."""
    if state.status == "queued":
        place = f"number {waiting.index(state.run_id) + 1} in the queue" if state.run_id in waiting else ""
        return ", ".join(filter(None, (place, f"after job {state.after}" if state.after else "")))
    if state.error:
        return state.error
    return progress_words(state.progress) if state.progress else ""


def progress_words(progress: RunProgress) -> str:
    """ "1 200 of 4 000 photos, 3 failed"."""
    if progress.unit == "B":
        of_total = f" of {format_mb(progress.total / 1e6)}" if progress.total else ""
        return f"{format_mb(progress.done / 1e6)}{of_total}"
    of_total = f" of {format_count(progress.total)}" if progress.total is not None else ""
    words = f"{format_count(progress.done)}{of_total} {progress.unit}".strip()
    return f"{words}, {format_count(progress.failed)} failed" if progress.failed else words


def _rate(progress: RunProgress) -> str:
    if not progress.rate_per_s:
        return ""
    if progress.unit == "B":
        return f"{progress.rate_per_s / 1e6:.3g} MB/s"
    return f"{progress.rate_per_s:.3g}/s"


def took_s(state: RunState) -> float:
    """How long a started job has run, or ran."""
    return max(0.0, (state.ended_at or time.time()) - (state.started_at or 0.0))


def duration(seconds: float) -> str:
    """ "8 s", "3 min 20 s", "5 h 10 min", "3 d 4 h"."""
    whole = round(seconds)
    for (length, unit), (part, small) in pairwise(_UNITS):
        if whole >= length:
            rest = whole % length // part
            return f"{whole // length} {unit}" + (f" {rest} {small}" if rest else "")
    return f"{whole} s"


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
