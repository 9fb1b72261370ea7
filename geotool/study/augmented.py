"""Features of tiles in random variations: what a frozen tower sees in an end-to-end training.

As many variations of each tile as there are epochs, drawn once and kept for all seeds: the tower would give
the same features each time, and a training draws one of them per epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geotool.core.report import Report, stop_if_asked
from geotool.features.blocks import Block
from geotool.features.writer import find_finished, open_writer
from geotool.model.geomodel import GeoModel, load_model
from geotool.model.tile_tower import normalise
from geotool.study.config import StudyConfig
from geotool.training.tower.augment import Augmenter
from geotool.training.tower.tile_set import TileSet, load_tiles

FINER = 1.5  # pictures are kept this much finer than the tower sees them, as in train-tower
_BLOCK = 256  # tiles
_SEED = 9006


def write_augmented(config: StudyConfig, name: str, tiles: Path, target: Path, report: Report) -> None:
    """Write the store, or go on with it. Raises what loading and writing raise, StoppedError included."""
    model = load_model(name, config.device)
    inputs = {
        "model": model.info.features_fingerprint,
        "preprocessing": model.info.spec["preprocessing"],
        "views": config.epochs,
        "data": f"variations of {config.tiles} tiles",
    }
    if find_finished(target, inputs):
        return
    report.event("random variations", of=tiles.name, views=config.epochs)
    pictures = load_tiles(tiles, round(FINER * model.info.spec["preprocessing"]["size_px"]), report)
    about = {"model": name, "source": tiles.name}
    dim = model.info.feature_dim
    with open_writer(target, inputs, about, config.epochs, dim, report) as writer:
        for block in _make_blocks(model, pictures, config.epochs, writer.blocks_done):
            writer.append(block)
            report.progress(writer.rows, len(pictures), unit="tiles")
            stop_if_asked(report)
        writer.finish()


def _make_blocks(model: GeoModel, tiles: TileSet, views: int, done: int) -> Iterator[Block]:
    torch.manual_seed(_SEED)
    augmenter = Augmenter(model.info.spec["preprocessing"]["size_px"])
    for start in range(done * _BLOCK, len(tiles), _BLOCK):
        torch.manual_seed(_SEED + start)
        rows = range(start, min(start + _BLOCK, len(tiles)))
        part = slice(start, rows.stop)
        latlon = tiles.latlon_deg[part]
        seen = [find_varied(model, augmenter, tiles.pixels[part], latlon) for _ in range(views)]
        names = [str(row) for row in rows]
        yield Block(
            ids=names, paths=names, authors=[None] * len(names), sha256s=[""] * len(names),
            latlon_deg=latlon.numpy().astype(np.float64),
            features=torch.stack(seen, dim=1).half().cpu().numpy(),
        )  # fmt: skip


@torch.inference_mode()
def find_varied(model: GeoModel, augmenter: Augmenter, pixels: Tensor, latlon_deg: Tensor) -> Tensor:
    """(B, 3, S, S) uint8 tiles, varied at random, through the frozen tower: (B, F)."""
    varied = normalise(augmenter(pixels, latlon_deg[:, 0]))
    return model.image_tower(varied.to(model.device)).float()
