"""The feature files while they grow: each an .npy from its first byte on, its header set at the end."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from geotool.core.durable import flush_to_disk, write_at
from geotool.features.store import shard_name, shard_paths


class _Piece(NamedTuple):
    """Consecutive rows within one file."""

    path: Path
    first: int  # row of the file
    rows: int


class ShardFiles:
    """Writes rows at given places of files of `shard_rows` rows each; reads them back.

    A file says that it is full until `close` says how many rows it has, so that full files never change.
    """

    def __init__(self, folder: Path, shard_rows: int, views: int, dim: int) -> None:
        self._folder, self._shard_rows = folder, shard_rows
        self._shape, self._row_bytes = (views, dim), views * dim * 2
        self._offset = len(self._header(shard_rows))

    def write(self, first: int, features: bytes) -> None:
        """Put rows at row `first`; they are on the disk when this returns. Later rows are cut off.

        Raises MismatchError or OSError where rows before them are gone.
        """
        written = 0
        for piece in self._pieces(first, len(features) // self._row_bytes):
            content = features[written : written + piece.rows * self._row_bytes]
            if piece.first:
                write_at(piece.path, self._offset + piece.first * self._row_bytes, content)
            else:
                write_at(piece.path, 0, self._header(self._shard_rows) + content)
            written += len(content)

    def read(self, first: int, count: int) -> bytes:
        """Rows from row `first` on; fewer bytes where files are missing or short."""
        return b"".join(map(self._read_piece, self._pieces(first, count)))

    def cut(self, rows: int) -> None:
        """Remove what does not belong to the first `rows` rows. Files that end there are not touched."""
        sizes = {piece.path: self._offset + piece.rows * self._row_bytes for piece in self._pieces(0, rows)}
        for path in shard_paths(self._folder):
            if path not in sizes:
                path.unlink()
            elif path.stat().st_size != sizes[path]:
                os.truncate(path, sizes[path])

    def close(self, rows: int) -> None:
        """Let the files hold `rows` rows and say so. Files that say so are not touched."""
        self.cut(rows)
        for piece in self._pieces(0, rows):
            header = self._header(piece.rows)
            with open(piece.path, "rb") as file:
                is_right = file.read(len(header)) == header
            if not is_right:
                with open(piece.path, "r+b") as file:
                    file.write(header)
                flush_to_disk(piece.path)

    def _read_piece(self, piece: _Piece) -> bytes:
        if not piece.path.exists():
            return b""
        with open(piece.path, "rb") as file:
            file.seek(self._offset + piece.first * self._row_bytes)
            return file.read(piece.rows * self._row_bytes)

    def _pieces(self, first: int, count: int) -> Iterator[_Piece]:
        stop = first + count
        while first < stop:
            shard, row = divmod(first, self._shard_rows)
            here = min(stop - first, self._shard_rows - row)
            yield _Piece(self._folder / shard_name(shard), row, here)
            first += here

    def _header(self, rows: int) -> bytes:
        """numpy leaves room for any number of rows, so that all headers of a store are equally long."""
        header = io.BytesIO()
        description = {"descr": "<f2", "fortran_order": False, "shape": (rows, *self._shape)}
        np.lib.format.write_array_header_1_0(header, description)
        return header.getvalue()
