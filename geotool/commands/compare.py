"""Compare two evaluation runs photo by photo: what the second gains over the first, with intervals."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geotool.core.config import option
from geotool.core.report import Report


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `compare`."""

    run_a: Path = option(help="the run to compare with, a folder that evaluate wrote", positional=True)
    run_b: Path = option(help="the run in question, over the same photos", positional=True)
    examples: int = option(20, help="wins and losses listed, of each", min=0)
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Pair the photos of both runs and print what differs; positive numbers are gains of RUN_B."""
    from geotool.evaluation.compare import compare, load_pairing

    pairing = load_pairing(config.run_a, config.run_b)
    report.event("comparing", photos=len(pairing.errors_km))
    result = compare(pairing, config.examples)
    print(json.dumps(result) if config.format == "json" else _to_table(result))


def _to_table(result: dict[str, Any]) -> str:
    drawn = result["bootstrap"]
    over = f"{drawn['groups']} authors" if drawn["by"] == "author" else "photos"
    lines = [
        f"photos  {result['n']} in both, {result['only_in_a']} only in A, {result['only_in_b']} only in B",
        f"failed  {result['failed']['a']} in A, {result['failed']['b']} in B",
        f"B less A, 95 % intervals by a paired bootstrap over {over}",
        *_difference_lines(result),
        *_slice_lines(result["slices"].get("continent", [])),
        f"B wins {result['wins']} photos and loses {result['losses']} (by the thresholds of the field)",
        *_photo_lines("win", result["largest_wins"]),
        *_photo_lines("loss", result["largest_losses"]),
    ]
    return "\n".join(lines)


def _difference_lines(result: dict[str, Any]) -> list[str]:
    difference = result["difference"]
    lines = []
    for km, gain in difference["within_km"].items():
        a, b = (result[name]["within_km"][km] for name in "ab")
        low, high = difference["intervals95"][km]
        lines.append(
            f"<= {km:>4} km  A {a:6.2f} %  B {b:6.2f} %  {gain:+6.2f} points ({low:+.2f} to {high:+.2f})"
        )
    low, high = difference["geoscore_interval95"]
    a, b = (result[name]["geoscore"] for name in "ab")
    lines.append(
        f"GeoScore    A {a:6.0f}    B {b:6.0f}    {difference['geoscore']:+6.0f} ({low:+.0f} to {high:+.0f})"
    )
    if difference["median_km"] is not None:
        ends = difference["median_interval95"]
        interval = f" ({ends[0]:+.4g} to {ends[1]:+.4g})" if ends else ""
        lines.append(f"median      {difference['median_km']:+.4g} km{interval}")
    return lines


def _slice_lines(groups: list[dict[str, Any]]) -> list[str]:
    return [
        f"  {group['value'][:20]:<20} n {group['n']:>6}  "
        + "  ".join(f"{km} km {gain:+.1f}" for km, gain in group["difference"]["within_km"].items())
        for group in groups
    ]


def _photo_lines(word: str, photos: list[dict[str, Any]]) -> list[str]:
    from geotool.evaluation.figure_table import format_km
    from geotool.output.tables import one_line

    return [
        f"  {word:<4}  {format_km(photo['a']['error_km']):>10} > {format_km(photo['b']['error_km']):>10}  "
        f"{one_line(photo['id'])}"
        for photo in photos
    ]
