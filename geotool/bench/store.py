"""`bench store`: features on disk, our store against a Parquet table of the same vectors.

Both give (n, 768) float32 back. What is read was just written, so it lies in the memory of the system.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

from geotool.bench.timing import least_seconds
from geotool.core.durable import flush_to_disk
from geotool.core.report import Report, SilentReport
from geotool.features.blocks import Block
from geotool.features.store import FeatureStore, load_store
from geotool.features.writer import open_writer

DIM, BLOCK, AT_RANDOM, SEED = 768, 512, 512, 0
ROW_GROUP = 2000  # rows that Parquet reads together; fewer would cost more per group

Sides = dict[str, Callable[[], object]]


def run_store(rounds: int, sizes: tuple[int, ...], report: Report) -> list[dict[str, Any]]:
    """Rows of the least seconds per size and measure, and their ratio."""
    rows = []
    for size in sizes:
        with tempfile.TemporaryDirectory(prefix="geotool-bench-") as name:
            for measure, count, sides in _measures(Path(name), size):
                report.event("comparing", photos=size, measure=measure)
                rows.append(_to_row(size, measure, count, least_seconds(sides, rounds)))
    return rows


def _measures(folder: Path, size: int) -> Iterator[tuple[str, int, Sides]]:
    """What is measured, the photos that pass through it, both sides; what is read is what writing wrote."""
    target, table = folder / "store", folder / "table.parquet"
    yield (
        "write",
        size,
        {"store": lambda: write_store(target, size), "parquet": lambda: write_table(table, size)},
    )
    store, drawn = load_store(target), np.random.default_rng(SEED).integers(0, size, AT_RANDOM)
    with ParquetTable(table) as parquet:
        in_order: Sides = {"store": lambda: read_in_order(store), "parquet": parquet.read_in_order}
        yield "read in order", size, in_order
        at_random: Sides = {"store": lambda: store.read(drawn), "parquet": lambda: parquet.read(drawn)}
        yield f"read {AT_RANDOM} at random", AT_RANDOM, at_random


def write_store(target: Path, size: int) -> None:
    """As precompute does: each block durable before the next, every file hashed at the end."""
    inputs = {"model": "none", "preprocessing": "none", "views": 1, "data": str(size)}
    with open_writer(target, inputs, {}, 1, DIM, SilentReport()) as writer:
        for first, features in _draw_vectors(size, BLOCK):
            writer.append(_to_block(first, features))
        writer.finish()


def write_table(path: Path, size: int) -> None:
    """The reference: lists of fixed length, not compressed, because vectors hardly shrink."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([("vector", pa.list_(pa.float16(), DIM))])
    with ParquetWriter(path, schema, compression="none", use_dictionary=False) as writer:
        for _, vectors in _draw_vectors(size, ROW_GROUP):
            column = pa.FixedSizeListArray.from_arrays(vectors.ravel(), DIM)
            writer.write_table(pa.table([column], schema=schema), row_group_size=ROW_GROUP)
    flush_to_disk(path)


def read_in_order(store: FeatureStore) -> float:
    """All rows, looked at once; their greatest value."""
    parts = (np.arange(first, min(first + BLOCK, len(store))) for first in range(0, len(store), BLOCK))
    return max(float(store.read(rows).max()) for rows in parts)


class ParquetTable:
    """An open table of the reference."""

    def __init__(self, path: Path) -> None:
        from pyarrow.parquet import ParquetFile

        self._file = ParquetFile(path)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def read_in_order(self) -> float:
        """As of the store."""
        return max(float(_to_vectors(batch["vector"]).max()) for batch in self._file.iter_batches(BLOCK))

    def read(self, rows: np.ndarray) -> np.ndarray:
        """(n, 768) float32: the groups that hold the rows, then the rows of these."""
        groups, group = np.unique(rows // ROW_GROUP, return_inverse=True)
        column = self._file.read_row_groups(groups.tolist())["vector"].combine_chunks()
        return _to_vectors(column.take(group * ROW_GROUP + rows % ROW_GROUP))


def _to_vectors(column: Any) -> np.ndarray:
    return column.flatten().to_numpy().reshape(-1, DIM).astype(np.float32)  # (n, 768)


def _draw_vectors(size: int, step: int) -> Iterator[tuple[int, np.ndarray]]:
    """The number of the first row, and (n, 768) float16: a few random ones over and over."""
    vectors = np.random.default_rng(SEED).normal(size=(step, DIM)).astype(np.float16)
    for first in range(0, size, step):
        yield first, vectors[: min(step, size - first)]


def _to_block(first: int, vectors: np.ndarray) -> Block:
    names = [f"{first + i:012}.jpg" for i in range(len(vectors))]
    return Block(
        ids=names,
        paths=names,
        authors=[None] * len(names),
        sha256s=["0" * 64] * len(names),
        latlon_deg=np.zeros((len(names), 2)),
        features=vectors[:, None],
    )


def _to_row(size: int, measure: str, count: int, seconds: dict[str, float]) -> dict[str, Any]:
    row: dict[str, Any] = {"photos": size, "measure": measure}
    for side, value in seconds.items():
        row |= {f"{side}_s": value, f"{side}_mb_per_s": count * DIM * 2 / value / 1e6}
    return {**row, "photos_per_s": count / seconds["store"], "speedup": seconds["parquet"] / seconds["store"]}
