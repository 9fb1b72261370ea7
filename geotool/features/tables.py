"""What stands beside the features: coordinates, rows and failures, written from the journal piece by piece.

Their bytes depend on the rows alone, not on the blocks these came in.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np

from geotool.core.durable import flush_to_disk
from geotool.features.journal import StoredFailure, StoredRow
from geotool.features.store import COLUMNS, FAILURES_FILE, LATLON_FILE, ROWS_FILE

ROW_GROUP = 8192  # rows of the table in memory at once


def write_rows(folder: Path, rows: Iterable[StoredRow], count: int) -> None:
    """Write rows.parquet and latlon_deg.npy, `count` rows each."""
    import pyarrow as pa
    from pyarrow.parquet import ParquetWriter

    schema = pa.schema([pa.field(name, pa.string(), nullable=name == "author") for name in COLUMNS])
    table_path, latlon_path = folder / ROWS_FILE, folder / LATLON_FILE
    with ParquetWriter(table_path, schema, compression="zstd") as table, open(latlon_path, "wb") as latlon:
        header = {"descr": "<f8", "fortran_order": False, "shape": (count, 2)}
        np.lib.format.write_array_header_1_0(latlon, header)
        for part in _in_parts(rows, ROW_GROUP):
            columns = [[getattr(row, name) for row in part] for name in COLUMNS]
            table.write_table(pa.table(columns, schema=schema), row_group_size=ROW_GROUP)
            latlon.write(np.array([(row.lat, row.lon) for row in part], "<f8").tobytes())
    flush_to_disk(table_path)
    flush_to_disk(latlon_path)


def write_failures(folder: Path, failures: Iterable[StoredFailure]) -> int:
    """Write failures.csv; how many there are."""
    path, count = folder / FAILURES_FILE, 0
    with open(path, "w", encoding="utf-8", newline="") as file:
        table = csv.writer(file)
        table.writerow(StoredFailure._fields)
        for failure in failures:
            table.writerow(failure)
            count += 1
    flush_to_disk(path)
    return count


def read_failures(folder: Path) -> list[StoredFailure]:
    """The rows of failures.csv. Raises OSError or ValueError."""
    with open(folder / FAILURES_FILE, encoding="utf-8", newline="") as file:
        _, *rows = csv.reader(file)
    return [StoredFailure(path, stage, reason) for path, stage, reason in rows]


def _in_parts(rows: Iterable[StoredRow], size: int) -> Iterator[list[StoredRow]]:
    rest = iter(rows)
    while part := list(islice(rest, size)):
        yield part
