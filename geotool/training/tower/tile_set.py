"""A data set of pictures in memory, small and square, with their coordinates."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geotool.core.errors import BadImageError, EmptyResultError
from geotool.core.records import ItemError
from geotool.core.report import Report, stop_if_asked
from geotool.model.tile_tower import cut_square
from geotool.photos.manifest import Row, read_dataset
from geotool.photos.read import read_photo

_AT_ONCE = 512
_THREADS = 4  # decoding and scaling let other threads run


@dataclass(frozen=True, slots=True)
class TileSet:
    """`pixels` (N, 3, S, S) uint8 in channels-last memory, `latlon_deg` (N, 2) float32."""

    pixels: Tensor
    latlon_deg: Tensor

    def __len__(self) -> int:
        return len(self.pixels)


def load_tiles(folder: Path, size_px: int, report: Report) -> TileSet:
    """Read every usable picture of a data set. Raises EmptyResultError if there is none."""
    rows = [row for row in read_dataset(folder) if not isinstance(row, ItemError)]
    pixels = np.empty((len(rows), size_px, size_px, 3), dtype=np.uint8)
    kept: list[int] = []
    with ThreadPoolExecutor(_THREADS) as pool:
        for start in range(0, len(rows), _AT_ONCE):
            stop_if_asked(report)
            part = range(start, min(start + _AT_ONCE, len(rows)))
            usable = pool.map(lambda i: _read_into(pixels, i, rows[i], size_px), part)
            kept += [i for i, is_read in zip(part, usable, strict=True) if is_read]
            report.progress(part.stop, len(rows), part.stop - len(kept), unit="pictures")
    if not kept:
        raise EmptyResultError(f"{folder} has no usable picture with coordinates.", "Check its metadata.csv.")
    if len(kept) < len(rows):
        pixels = pixels[kept]
    latlon = [(rows[i].location.lat, rows[i].location.lon) for i in kept]
    return TileSet(torch.from_numpy(pixels).permute(0, 3, 1, 2), torch.tensor(latlon, dtype=torch.float32))


def _read_into(pixels: np.ndarray, index: int, row: Row, size_px: int) -> bool:
    try:
        pixels[index] = cut_square(read_photo(row.path)[1], size_px)
    except BadImageError:
        return False
    return True
