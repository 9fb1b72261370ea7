"""What a run will cost: disk from the number of photos, time from a short measured sample.

The sample's photos are decoded, but never embedded: the tower is timed on made-up pictures of the same size.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Sequence

import torch

from geotool.features.decode import Decoder
from geotool.features.pipeline import count_threads
from geotool.features.stages import BATCH_PICTURES, decode_entries
from geotool.model.geomodel import GeoModel
from geotool.photos.manifest_rows import Manifest, Row

_SAMPLE_PHOTOS = 16
_ROW_BYTES = 400  # of a row's id, path, author, hash and coordinates, in the journal and in the table


def estimate_bytes(photos: int, views: int, dim: int) -> int:
    """On disk, for features of `dim` half-precision numbers per view."""
    return photos * (views * dim * 2 + _ROW_BYTES)


def estimate_seconds(model: GeoModel, manifest: Manifest, photos: int, views: int) -> float:
    """Decoding and the tower share a CPU; beside a GPU the slower of the two counts."""
    rows = (entry for entry in manifest.rows() if isinstance(entry, Row))
    sample = list(itertools.islice(rows, _SAMPLE_PHOTOS))
    decode_s = _time_decoding(model, sample, views) / max(1, len(sample)) / count_threads()
    embed_s = _time_tower(model) * views / BATCH_PICTURES[model.device]
    return photos * (decode_s + embed_s if model.device == "cpu" else max(decode_s, embed_s))


def _time_decoding(model: GeoModel, sample: Sequence[Row], views: int) -> float:
    decoder = Decoder(model.info.spec["preprocessing"], views, model.device)
    return _time_second_call(lambda: decode_entries(sample, decoder))


def _time_tower(model: GeoModel) -> float:
    """Seconds of one batch."""
    side = model.info.spec["preprocessing"]["size_px"]
    pictures = torch.randint(0, 256, (BATCH_PICTURES[model.device], 3, side, side), dtype=torch.uint8)
    return _time_second_call(lambda: model.find_features_of_levels(pictures).cpu())


def _time_second_call(call: Callable[[], object]) -> float:
    """The first one loads libraries and weights."""
    call()
    begin = time.perf_counter()
    call()
    return time.perf_counter() - begin
