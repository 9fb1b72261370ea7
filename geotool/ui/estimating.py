"""What a precompute would cost, in a sentence."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from geotool.core.report import Report
from geotool.output.numbers import format_count, format_mb
from geotool.ui.job_rows import duration


def estimate_words(config: Any, report: Report) -> str:
    """Look through the data set and measure a sample. Raises what `make_plan` raises."""
    from geotool.features.precompute import make_plan

    plan = make_plan(config, report)
    photos = f"{format_count(plan.survey.photos)} photos"
    if plan.survey.unusable:
        photos += f" ({format_count(plan.survey.unusable)} more cannot be used)"
    free_mb = shutil.disk_usage(_existing(plan.folder)).free / 1e6
    disk = f"{format_mb(plan.disk_bytes / 1e6)} of {format_mb(free_mb)} free"
    time = "" if plan.seconds is None else f", about {duration(plan.seconds)} on this machine as it is now"
    return f"{photos} with {plan.model.name}: {disk}{time}."


def _existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(each for each in (folder, *folder.parents) if each.exists())
