"""What unfolds under one job: why it failed, its curves, its log, its settings. Plain JSON for the page."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geotool.core.errors import NotFoundError
from geotool.core.records import RunState
from geotool.jobs.jobs import Jobs
from geotool.model.zoo import ModelInfo
from geotool.output.numbers import format_mb
from geotool.ui import forms
from geotool.ui.job_curves import find_curves

LOG_LINES = 200


def detail_value(jobs: Jobs, run_id: int, models: Sequence[ModelInfo]) -> dict[str, Any] | None:
    """The details of a job; None where it is gone."""
    try:
        state = jobs.get(run_id)
        config = jobs.config(run_id)
        events, _ = jobs.events(run_id)
    except NotFoundError:
        return None
    return {
        "id": run_id,
        "error": state.error or "",
        "hint": state.hint or "",
        "log": jobs.log_tail(run_id, LOG_LINES),
        "line": jobs.command_line(run_id),
        "settings": [[forms.label(name), forms.to_text(value)] for name, value in _told(config)],
        "curves": find_curves(events, config),
        "model": _made_model(state, config, models),
        **(_sizes(jobs, run_id) if state.is_over else {"size": "", "unfinished": ""}),
    }


def _told(config: dict[str, Any]) -> list[tuple[str, Any]]:
    return [(name, value) for name, value in config.items() if value not in (None, [], "")]


def _sizes(jobs: Jobs, run_id: int) -> dict[str, str]:
    """What deleting would free: the job itself, and what it left half-built."""
    size, with_rest = jobs.size_bytes(run_id), jobs.size_bytes(run_id, with_unfinished=True)
    unfinished = format_size(with_rest - size) if with_rest > size else ""
    return {"size": format_size(size), "unfinished": unfinished}


def format_size(size_bytes: int) -> str:
    return format_mb(size_bytes / 1e6) if size_bytes >= 1e6 else f"{size_bytes / 1e3:.0f} kB"


def _made_model(state: RunState, config: dict[str, Any], models: Sequence[ModelInfo]) -> str:
    """The name of the ready model that the job made or measured, to use it from here."""
    if state.status != "done":
        return ""
    named = {info.name for info in models if info.state == "ready"}
    folders = {str(info.folder): info.name for info in models if info.name in named}
    out = config.get("out") or ""
    made = folders.get(out) or folders.get(str(Path(out).parent) if out else "")
    told = config.get("model")
    return made or (told if told in named else "")
