"""Measure speed and gain of one subject (`bench encode`, `bench search`, ...), all sides in one process."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geotool.core.config import option
from geotool.core.errors import UsageError
from geotool.core.report import Report

METHODS = ("exact", "hierarchy", "faiss")


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `bench`."""

    subject: Literal["encode", "search", "answer", "zoom", "store", "train"] = option(
        help="encode, search, answer, zoom, store or train", positional=True
    )
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    sizes: tuple[int, ...] = option(
        (100_000,),
        help="search: points in the gallery (more than 100000 adds moved copies), store: photos; "
        "with commas between sizes",
        min=1000,
    )
    methods: tuple[str, ...] = option(
        METHODS, help="search: exact,hierarchy,faiss; the last takes long to build over 10 million points"
    )
    dataset: Path | None = option(
        None, help="encode: time each step of precompute on the photos of this data set"
    )
    model: str | None = option(
        None, help="encode --dataset: model by name (default: the best one that is ready)"
    )
    images: int | None = option(
        None,
        help="train: a step of so many photos through ViT-L/14, in place of the steps on features",
        min=1,
    )
    rounds: int = option(5, help="times each side is measured, in turns", min=1, max=100)
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Print one row per method. Times are the least of all rounds; ratios compare within this run."""
    if config.subject == "encode":
        rows = _bench_encode(config, report)
    elif config.subject == "answer":
        from geotool.bench.answer import run_answer

        rows = run_answer(config.device, config.rounds, report)
    elif config.subject == "zoom":
        from geotool.bench.zoom import run_zoom

        rows = run_zoom(config.device, config.rounds, report)
    elif config.subject == "store":
        from geotool.bench.store import run_store

        rows = run_store(config.rounds, config.sizes, report)
    elif config.subject == "train":
        rows = _bench_train(config, report)
    else:
        from geotool.bench.search import run_search

        rows = run_search(config.device, config.rounds, config.sizes, _read_methods(config), report)
    print(json.dumps({"rows": rows}) if config.format == "json" else _to_table(rows))


def _bench_encode(config: Config, report: Report) -> list[dict[str, Any]]:
    from geotool.bench.dataset import run_dataset
    from geotool.bench.encode import run_encode

    if config.dataset is None:
        return run_encode(config.device, config.rounds, report)
    return run_dataset(config.dataset, config.model, config.device, config.rounds, report)


def _bench_train(config: Config, report: Report) -> list[dict[str, Any]]:
    from geotool.bench.pixels import run_pixels
    from geotool.bench.train import Shape, run_train

    if config.images is None:
        return run_train(config.device, config.rounds, report, Shape())
    return run_pixels(config.device, config.rounds, config.images, report, Shape())


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
