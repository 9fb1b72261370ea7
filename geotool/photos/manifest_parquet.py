"""Rows of a Parquet table, in the form of those of a CSV table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from geotool.core.csv_rows import PHOTO_COLUMNS, Columns, CsvRow, find_columns
from geotool.core.errors import UsageError

if TYPE_CHECKING:
    from pyarrow.parquet import ParquetFile

PARQUET_START = b"PAR1"
_BATCH_ROWS = 4096


def is_parquet(table: Path) -> bool:
    """By the beginning of the file. Raises UsageError where it cannot be read."""
    try:
        with table.open("rb") as file:
            return file.read(len(PARQUET_START)) == PARQUET_START
    except OSError as error:
        raise UsageError(f"{table} cannot be read: {error.strerror}.", "Check its permissions.") from error


def read_parquet_rows(
    table: Path, columns: Columns = PHOTO_COLUMNS, optional: Columns | None = None
) -> Iterator[CsvRow]:
    """The rows of a Parquet table, one batch in memory at a time; what is missing is an empty text.

    Raises UsageError where the file is damaged or lacks a column.
    """
    import pyarrow
    from pyarrow import parquet

    try:
        with parquet.ParquetFile(table) as file:
            yield from _read_rows(file, columns, optional or {}, table)
    except (pyarrow.ArrowException, OSError) as error:
        raise UsageError(f"{table} cannot be read as Parquet: {error}.", "Write it anew.") from error


def _read_rows(file: ParquetFile, columns: Columns, optional: Columns, table: Path) -> Iterator[CsvRow]:
    schema = file.schema_arrow
    found = {
        name: schema.field(i) for name, i in find_columns(schema.names, columns, optional, table).items()
    }
    for name, field in found.items():
        if field.type.num_fields or "binary" in str(field.type):
            raise UsageError(
                f"The column {field.name} of {table} holds {field.type}, no plain values.",
                f"Give {name} as text or numbers; photos have to be files beside the table.",
            )
    number = 1
    for batch in file.iter_batches(_BATCH_ROWS, columns=[field.name for field in found.values()]):
        values = [batch.column(field.name).to_pylist() for field in found.values()]
        for row in zip(*values, strict=True):
            texts = {name: "" if v is None else str(v).strip() for name, v in zip(found, row, strict=True)}
            yield CsvRow(number, texts, unit="row")
            number += 1
