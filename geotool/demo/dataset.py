"""Write tiles as an ordinary data set: images/*.jpg and metadata.csv with IMG_ID, LAT, LON."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from geotool.core.artifacts import file_sha256, write_json
from geotool.core.errors import MismatchError, UsageError
from geotool.core.report import Report, stop_if_asked
from geotool.demo.raster import Raster, read_raster
from geotool.demo.tiles import Tile, cut_tile, draw_tile

IMAGES, TABLE, RECIPE = "images", "metadata.csv", "tiles.json"
_BLOCK = 64  # tiles per unit of work: a second of it, so that a stop is quick
_QUALITY = 90


@dataclass(frozen=True, slots=True, kw_only=True)
class TileRecipe:
    """What decides every pixel of a tile data set. Tile i depends on the seed and i alone."""

    raster_sha256: str
    seed: int
    count: int
    size_px: int
    span_km: float | None  # None: random

    def draw(self, raster: Raster, index: int) -> Tile:
        return draw_tile(raster, np.random.default_rng([self.seed, index]), self.span_km)


def write_tiles(folder: Path, raster_path: Path, recipe: TileRecipe, report: Report) -> None:
    """Write (or go on writing) the data set. Tiles already there are kept; the table comes last.

    Raises MismatchError where `folder` holds tiles of another recipe, UsageError where it holds
    something else, StoppedError on the user's wish.
    """
    _prepare(folder, recipe)
    if (folder / TABLE).is_file():
        report.event("complete already", tiles=recipe.count, folder=folder)
        return
    rows: list[tuple[str, float, float]] = []
    for block in _blocks(folder, raster_path, recipe):
        rows += block
        report.progress(len(rows), recipe.count, unit="tiles")
        stop_if_asked(report)
    _write_table(folder / TABLE, rows)


def recipe_for(raster_path: Path, seed: int, count: int, size_px: int, span_km: float | None) -> TileRecipe:
    """The recipe of a data set; the image is read once to check it."""
    read_raster(raster_path)
    return TileRecipe(
        raster_sha256=file_sha256(raster_path), seed=seed, count=count, size_px=size_px, span_km=span_km
    )


def _prepare(folder: Path, recipe: TileRecipe) -> None:
    marker = folder / RECIPE
    if marker.is_file():
        found = json.loads(marker.read_text(encoding="utf-8"))
        if found != asdict(recipe):
            changed = ", ".join(k for k, v in asdict(recipe).items() if found.get(k) != v)
            raise MismatchError(
                f"{folder} holds tiles made with another {changed}.",
                "Give another folder, or remove this one.",
            )
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no tiles of this command.", "Give a new folder.")
    (folder / IMAGES).mkdir(parents=True, exist_ok=True)
    write_json(marker, asdict(recipe))


def _blocks(folder: Path, path: Path, recipe: TileRecipe) -> Iterator[list[tuple[str, float, float]]]:
    starts = range(0, recipe.count, _BLOCK)
    workers = min(os.cpu_count() or 1, len(starts), 8)
    arguments = (str(folder), str(path), recipe)
    if workers < 2:
        _open_raster(*arguments)
        yield from map(_write_block, starts)
        return
    # Spawned, not forked: the caller may hold threads (a window, torch).
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, arguments) as pool:
        try:
            yield from pool.map(_write_block, starts)
        finally:
            pool.shutdown(wait=True, cancel_futures=True)


_worker: tuple[Path, Raster, TileRecipe] | None = None  # one per process: the image is read once


def _start_worker(folder: str, raster_path: str, recipe: TileRecipe) -> None:
    import signal

    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is for the parent, which stops in good order
    _open_raster(folder, raster_path, recipe)


def _open_raster(folder: str, raster_path: str, recipe: TileRecipe) -> None:
    global _worker
    _worker = (Path(folder), read_raster(Path(raster_path)), recipe)


def _write_block(start: int) -> list[tuple[str, float, float]]:
    from PIL import Image

    assert _worker is not None
    folder, raster, recipe = _worker
    rows = []
    for index in range(start, min(start + _BLOCK, recipe.count)):
        tile, name = recipe.draw(raster, index), f"tile_{recipe.seed}_{index:06d}.jpg"
        path = folder / IMAGES / name
        if not path.is_file():
            memory = io.BytesIO()
            Image.fromarray(cut_tile(raster, tile, recipe.size_px)).save(memory, "JPEG", quality=_QUALITY)
            part = path.with_name(f".{name}.part")
            part.write_bytes(memory.getvalue())
            part.replace(path)
        rows.append((name, tile.center.lat, tile.center.lon))
    return rows


def _write_table(path: Path, rows: list[tuple[str, float, float]]) -> None:
    part = path.with_name(f".{path.name}.part")
    with part.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["IMG_ID", "LAT", "LON"])
        writer.writerows((name, f"{lat:.5f}", f"{lon:.5f}") for name, lat, lon in rows)
    part.replace(path)
