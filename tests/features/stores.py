"""Small feature stores out of generated blocks, and what is in their files."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from geotool.core.records import ItemError
from geotool.core.report import Report, SilentReport
from geotool.features.blocks import Block
from geotool.features.writer import StoreWriter, open_writer

VIEWS, DIM = 2, 3
INPUTS = {"model": "m1", "preprocessing": "p1", "views": ["whole", "middle"], "data": "d1"}


def make_block(number: int, photos: int = 5, failures: int = 1, prefix: str = "photo") -> Block:
    """The same for the same number; every third photo has no author."""
    rng = np.random.default_rng([number, photos])
    ids = [f"{prefix}-{number}-{i}" for i in range(photos)]
    lat, lon = rng.uniform(-90, 90, photos), rng.uniform(-180, 180, photos)
    return Block(
        ids=ids,
        paths=[f"{id}.jpg" for id in ids],
        authors=[None if i % 3 == 0 else f"author, {i}" for i in range(photos)],
        sha256s=[hashlib.sha256(id.encode()).hexdigest() for id in ids],
        latlon_deg=np.stack([lat, lon], axis=1),
        features=rng.normal(size=(photos, VIEWS, DIM)).astype(np.float16),
        failures=[
            ItemError(path=f"{prefix}-{number}-bad-{i}.jpg", stage="read", message="It is no picture.")
            for i in range(failures)
        ],
    )


BLOCKS = [make_block(i, photos=(5, 0, 11, 3, 7)[i % 5], failures=i % 3) for i in range(10)]
ROWS = sum(map(len, BLOCKS))


def open_store(target: Path, report: Report | None = None, **changes: Any) -> StoreWriter:
    append = changes.pop("append", False)
    inputs = {**INPUTS, **changes}
    return open_writer(target, inputs, {"batch": 5}, VIEWS, DIM, report or SilentReport(), append=append)


def write_store(target: Path, blocks: Iterable[Block] = BLOCKS, **changes: Any) -> Path:
    """What a caller does: leave out what is done, append the rest, finish."""
    with open_store(target, **changes) as writer:
        for block in list(blocks)[writer.blocks_done :]:
            writer.append(block)
        writer.finish()
    return target


def read_files(folder: Path) -> dict[str, str]:
    """The content of each file, as its sha256."""
    return {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in folder.iterdir()}
