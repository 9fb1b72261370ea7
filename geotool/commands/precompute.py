"""Run the image tower over a data set once and keep its features; a stopped run goes on where it was."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from geotool.core.report import Report
from geotool.features.config import PrecomputeConfig as Config

if TYPE_CHECKING:
    from geotool.features.precompute import Plan, Summary


def run(config: Config, report: Report) -> None:
    """Print what was found and what the run will cost, run it, print what came of it."""
    from geotool.features.precompute import make_plan, run_plan

    plan = make_plan(config, report)
    if config.format == "table":
        print("\n".join(_plan_lines(plan)), flush=True)
    summary = None if config.dry_run else run_plan(plan, report)
    if config.format == "json":
        print(json.dumps(_to_json(plan, summary)))
    elif summary:
        print("\n".join(_summary_lines(summary)))


def _plan_lines(plan: Plan) -> list[str]:
    time = "the time depends on the cluster" if plan.seconds is None else f"about {_duration(plan.seconds)}"
    features = f"Features of {plan.model.name}, {plan.config.views} per photo"
    return [*plan.survey.to_lines(), f"{features}: {plan.disk_bytes / 1e6:,.1f} MB, {time}."]


def _summary_lines(summary: Summary) -> list[str]:
    lines = [f"{summary.photos:,} photos in {summary.folder}"]
    if summary.embedded:
        rate = summary.embedded / summary.seconds
        took = _duration(summary.seconds)
        lines.append(f"{summary.embedded:,} of them embedded now, in {took}: {rate:,.1f} photos per second")
    if summary.failed:
        lines.append(f"{summary.failed:,} failed, listed in {summary.failures_file}")
    return lines


def _to_json(plan: Plan, summary: Summary | None) -> dict[str, Any]:
    estimate = {"disk_mb": plan.disk_bytes / 1e6, "seconds": plan.seconds}
    return {
        "data": plan.survey.to_json(),
        "estimate": estimate,
        "store": None if summary is None else {
            "folder": str(summary.folder),
            "photos": summary.photos,
            "failed": summary.failed,
            "failures_file": str(summary.failures_file) if summary.failed else None,
            "embedded": summary.embedded,
            "seconds": summary.seconds,
        },
    }  # fmt: skip


def _duration(seconds: float) -> str:
    for unit, length in (("days", 86400), ("hours", 3600), ("minutes", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.1f} seconds"
