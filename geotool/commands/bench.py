"""Measure speed and gain: `bench encode`, `bench search` and `bench zoom`, both sides in one process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from geotool.core.config import option
from geotool.core.errors import UsageError
from geotool.core.report import Report

METHODS = ("exact", "hierarchy", "faiss")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `bench`."""

    subject: Literal["encode", "search", "zoom"] = option(help="encode, search or zoom", positional=True)
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    sizes: tuple[int, ...] = option(
        (100_000,),
        help="search: points in the gallery, with commas between sizes; more than 100000 adds moved copies",
        min=1000,
    )
    methods: tuple[str, ...] = option(
        METHODS, help="search: exact,hierarchy,faiss; the last takes long to build over 10 million points"
    )
    rounds: int = option(5, help="times each side is measured, in turns", min=1, max=100)
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Print one row per method. Times are the least of all rounds; ratios compare within this run."""
    if config.subject == "encode":
        from geotool.bench.encode import run_encode

        rows = run_encode(config.device, config.rounds, report)
    elif config.subject == "zoom":
        from geotool.bench.zoom import run_zoom

        rows = run_zoom(config.device, config.rounds, report)
    else:
        from geotool.bench.search import run_search

        rows = run_search(config.device, config.rounds, config.sizes, _read_methods(config), report)
    print(json.dumps({"rows": rows}) if config.format == "json" else _to_table(rows))


def _read_methods(config: Config) -> list[str]:
    methods = [name.strip() for value in config.methods for name in value.split(",")]
    unknown = [name for name in methods if name not in METHODS]
    if unknown:
        raise UsageError(f"There is no method {unknown[0]!r}.", f"Choose from {', '.join(METHODS)}.")
    return methods


def _to_table(rows: list[dict[str, Any]]) -> str:
    """Blocks of rows that share their columns, aligned."""
    blocks: list[str] = []
    for columns in dict.fromkeys(tuple(row) for row in rows):
        cells = [columns, *(tuple(_short(v) for v in row.values()) for row in rows if tuple(row) == columns)]
        widths = [max(len(line[i]) for line in cells) for i in range(len(columns))]
        blocks.append(
            "\n".join("  ".join(f"{c:<{w}}" for c, w in zip(line, widths, strict=True)) for line in cells)
        )
    return "\n\n".join(blocks)


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
