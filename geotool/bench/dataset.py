"""`bench encode --dataset DIR`: photos per second of each step of precompute, and where the time goes.

All of it is measured in one run on the same photos: reading, decoding and embedding alone, decoding with
plain Pillow as the reference, and the pipeline with and without the tower. From the disk's cache: each photo
has been read before.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.flop_counter import FlopCounterMode

from geotool.bench.timing import least_seconds
from geotool.core.errors import EmptyResultError
from geotool.core.report import Report
from geotool.features.decode import Decoder, Encoded
from geotool.features.pipeline import PHOTOS_AT_ONCE, make_blocks, map_in_order
from geotool.features.stages import BATCH_PICTURES, Decoded, decode_entries, find_run_length, in_groups
from geotool.model.devices import to_dtype
from geotool.model.geomodel import GeoModel, load_model
from geotool.photos.manifest import open_manifest
from geotool.photos.manifest_rows import Row

_TOWER_S = 8.0  # about so long the tower may take for the whole sample
_MIN_PHOTOS, _MAX_PHOTOS = 32, 4096
_MATMUL_SIDE = {"cpu": 2048, "mps": 4096, "cuda": 8192}
READ, PILLOW, DECODE, BOTH = "read", "decode, plain Pillow", "decode", "read and decode"
TRANSFER, TOWER, WHOLE, MATMUL = "transfer", "tower", "whole pipeline", "matrix product"


def run_dataset(
    data: Path, model_name: str | None, device: str, rounds: int, report: Report
) -> list[dict[str, Any]]:
    """One row per step: photos per second, milliseconds per photo, ratios within this run.

    Raises what `open_manifest` and `load_model` raise, EmptyResultError without a usable photo.
    """
    model = load_model(model_name, device)
    sample = _Sample(model, _draw(data, model))
    report.event("measuring", model=model.name, device=model.device, photos=len(sample))
    seconds = least_seconds(sample.steps(), rounds)
    return [sample.to_row(step, seconds) for step in seconds]


def _draw(data: Path, model: GeoModel) -> list[Row]:
    """The first photos of the data set: as many as the tower embeds in some seconds."""
    step = BATCH_PICTURES[model.device]
    side = model.info.spec["preprocessing"]["size_px"]
    levels = torch.zeros(step, 3, side, side, dtype=torch.uint8)
    model.find_features_of_levels(levels).cpu()
    begin = time.perf_counter()
    model.find_features_of_levels(levels).cpu()
    rate = step / (time.perf_counter() - begin)
    count = min(_MAX_PHOTOS, max(_MIN_PHOTOS, int(rate * _TOWER_S)))
    rows = (entry for entry in open_manifest(data).rows() if isinstance(entry, Row))
    return list(itertools.islice(rows, count))


class _Sample:
    """The photos that everything is measured on: those that can be decoded."""

    def __init__(self, model: GeoModel, rows: Sequence[Row]) -> None:
        self._model, self._device = model, model.device
        self._spec = model.info.spec["preprocessing"]
        self._at_once = PHOTOS_AT_ONCE[model.device]
        self._decoder = Decoder(self._spec, 1, model.device)
        outcomes = decode_entries(rows, Decoder(self._spec, 1))
        decoded = [outcome for outcome in outcomes if isinstance(outcome, Decoded)]
        if not decoded:
            raise EmptyResultError("The data set has no photo that can be decoded.")
        self._rows = [photo.row for photo in decoded]
        self._photos = [Encoded(row.read_bytes(), row.shown) for row in self._rows]
        levels = torch.cat([photo.levels for photo in decoded])  # (N, 3, S, S)
        self._levels = levels.pin_memory() if self._device == "cuda" else levels
        self._levels_there = levels.to(self._device)
        factors = torch.randn(2, *[_MATMUL_SIDE[self._device]] * 2, device=self._device)
        self._factors = factors.to(to_dtype(model.precision))

    def __len__(self) -> int:
        return len(self._rows)

    def steps(self) -> dict[str, Callable[[], object]]:
        """Each over all photos, and finished when it returns."""
        return {
            READ: lambda: [row.read_bytes() for row in self._rows],
            PILLOW: self._decode_with_pillow,
            DECODE: self._decode,
            BOTH: self._read_and_decode,
            TRANSFER: lambda: self._wait(self._levels.to(self._device, copy=True)),
            TOWER: self._run_tower,
            WHOLE: self._run_pipeline,
            MATMUL: lambda: self._wait(self._factors[0] @ self._factors[1]),
        }

    def to_row(self, step: str, seconds: Mapping[str, float]) -> dict[str, Any]:
        """Ratios are of rates: decoding to plain Pillow's, the whole pipeline to the tower alone."""
        rate = None if step == MATMUL else len(self) / seconds[step]
        reference = {DECODE: PILLOW, WHOLE: TOWER}.get(step)
        flops = {TOWER: len(self) * self._count_flops(), MATMUL: 2 * _MATMUL_SIDE[self._device] ** 3}.get(
            step
        )
        return {
            "step": step,
            "cores": 1 if step in (READ, PILLOW, DECODE) else os.cpu_count(),
            "images_per_s": rate,
            "ms_per_image": 1000 / rate if rate else None,
            "ratio": seconds[reference] / seconds[step] if reference else None,
            "to": reference,
            "tflop_per_s": flops / seconds[step] / 1e12 if flops else None,
        }

    def _decode_with_pillow(self) -> None:
        with _one_core():
            for photo in self._photos:
                with Image.open(io.BytesIO(photo.data)) as image:
                    self._model.preprocessing.to_levels(image.convert("RGB"), self._spec)

    def _decode(self) -> None:
        """As one thread of the pipeline does; with CUDA, by nvJPEG."""
        with _one_core():
            for photos in in_groups(self._photos, self._at_once):
                self._wait(self._decoder.decode_all(photos)[-1])

    def _read_and_decode(self) -> None:
        """The pipeline without the tower."""
        pieces = in_groups(self._rows, self._at_once)
        ahead = find_run_length(self._device, 1) // self._at_once
        for outcomes in map_in_order(lambda rows: decode_entries(rows, self._decoder), pieces, ahead):
            self._wait(outcomes[-1])

    def _run_tower(self) -> None:
        batches = self._levels_there.split(BATCH_PICTURES[self._device])
        self._wait([self._model.find_features_of_levels(batch) for batch in batches])

    def _run_pipeline(self) -> None:
        runs = in_groups(self._rows, find_run_length(self._device, 1))
        for _ in make_blocks(self._model, 1, runs):
            pass

    def _wait(self, _: object) -> None:
        if self._device == "cuda":
            torch.cuda.synchronize()

    def _count_flops(self) -> int:
        """Of the tower, for one picture; a product and a sum are two."""
        with FlopCounterMode(display=False) as counter:
            self._model.find_features_of_levels(self._levels_there[:1])
        return counter.get_total_flops()


@contextlib.contextmanager
def _one_core() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
