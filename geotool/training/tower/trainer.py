"""One training: an image tower and a location encoder learn to agree, step by step."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.model.devices import choose_precision, to_dtype
from geotool.model.image_head import ImageHead
from geotool.model.location_encoder import LocationEncoder, LocationSpec
from geotool.model.tile_tower import TileTower, normalise
from geotool.training.checkpoint import (
    check_settings,
    load_optimisers,
    optimiser_tensors,
    read_checkpoint,
    with_prefix,
    without_prefix,
    write_checkpoint,
)
from geotool.training.optimisers import build_optimisers, set_rate
from geotool.training.schedule import find_rate
from geotool.training.tower.augment import Augmenter
from geotool.training.tower.config import TowerConfig
from geotool.training.tower.loss import draw_negatives, soft_contrast
from geotool.training.tower.tile_set import TileSet

_FIRST_SCALE, _LAST_SCALE = 20.0, 100.0  # logits per cosine: at the start, and never above


class Pair(nn.Module):
    """Image tower with its head, location encoder, and the learnt scale (temperature) of their cosines."""

    def __init__(self, config: TowerConfig) -> None:
        super().__init__()
        self.image_tower = TileTower(
            widths=list(config.widths), blocks=list(config.blocks), grid=config.grid, features=config.features
        )
        self.image_head = ImageHead([config.features, config.dim])
        self.location_encoder = LocationEncoder(
            LocationSpec(
                sigmas=config.sigmas, frequencies=config.frequencies, hidden=config.hidden, dim=config.dim
            )
        )
        self.log_scale = nn.Parameter(torch.tensor(math.log(_FIRST_SCALE)))

    @property
    def scale(self) -> Tensor:
        return self.log_scale.clamp(max=math.log(_LAST_SCALE)).exp()

    def cosines(self, pixels: Tensor, places_deg: Tensor) -> Tensor:
        """(B, 3, S, S) pixels and (P, 2) places -> (B, P)."""
        images = functional.normalize(self.image_head(self.image_tower(pixels)).float(), dim=1)
        return images @ functional.normalize(self.location_encoder(places_deg), dim=1).T


class Trainer:
    """Everything that a step changes, and how to store it. Step i draws from seed and i alone."""

    def __init__(self, config: TowerConfig, tiles: TileSet, device: str) -> None:
        torch.set_flush_denormal(True)  # gradients of settled pictures are tiny: ten times slower without
        torch.manual_seed(config.seed)
        self.config, self.tiles, self.device, self.step = config, tiles, device, 0
        self.pair = Pair(config).to(device).to(memory_format=torch.channels_last)
        self.augmenter = Augmenter(config.size_px)
        self.early_augmenter = Augmenter(min(config.early_px, config.size_px))
        self.optimisers = _build_optimisers(self.pair, config)
        self.dtype = to_dtype(choose_precision(device))

    def advance(self) -> float:
        """One step; gives its loss."""
        torch.manual_seed(self.config.seed * 1_000_003 + self.step)
        set_rate(self.optimisers, self._rate())
        loss = self._find_loss(self._rows())
        self.pair.zero_grad(set_to_none=True)
        loss.backward()
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1
        return loss.item()

    def _find_loss(self, rows: Tensor) -> Tensor:
        config, own = self.config, self.tiles.latlon_deg[rows]
        tiles = self.tiles.pixels[rows]
        pixels = self._vary(tiles, own[:, 0]) if config.augment else tiles.float() / 255
        places = torch.cat([own, draw_negatives(self.tiles.latlon_deg, own, config.negatives)])
        with torch.autocast(self.device, self.dtype, enabled=self.dtype != torch.float32):
            cosines = self.pair.cosines(normalise(pixels).to(self.device), places.to(self.device))
        own, places = own.to(self.device), places.to(self.device)
        return soft_contrast(cosines.float(), self.pair.scale, own, places, config.softness_km)

    def _vary(self, tiles: Tensor, lat_deg: Tensor) -> Tensor:
        is_early = self.step < self.config.early * self.config.steps
        return (self.early_augmenter if is_early else self.augmenter)(tiles, lat_deg)

    def _rows(self) -> Tensor:
        """Rows of this step: each epoch is a new shuffle, its last partial batch is left out."""
        batch = min(self.config.batch, len(self.tiles))
        epoch, position = divmod(self.step, len(self.tiles) // batch)
        shuffle = torch.Generator().manual_seed(self.config.seed * 1_000_003 + epoch)
        order = torch.randperm(len(self.tiles), generator=shuffle)
        return order[position * batch : (position + 1) * batch]

    def _rate(self) -> float:
        """Share of the highest learning rate: up in a line, then down in a line."""
        done = (self.step + 1) / (self.config.steps + 1)
        return find_rate("linear", done, self.config.warmup, epochs=1)

    def save(self, folder: Path) -> None:
        """Write a checkpoint."""
        tensors = with_prefix("model.", self.pair.state_dict()) | optimiser_tensors(self.optimisers)
        write_checkpoint(folder, tensors, {"step": self.step, "settings": settings(self.config, self.tiles)})

    def resume(self, folder: Path) -> bool:
        """Go on from a checkpoint, if there is one. Raises MismatchError for other settings."""
        found = read_checkpoint(folder)
        if found is None:
            return False
        tensors, state = found
        check_settings(state["settings"], settings(self.config, self.tiles), folder)
        self.pair.load_state_dict(without_prefix("model.", tensors))
        load_optimisers(self.optimisers, tensors)
        self.step = state["step"]
        return True


def settings(config: TowerConfig, tiles: TileSet) -> dict[str, Any]:
    """What a training depends on, for its checkpoint."""
    paths = ("data", "out", "device", "save_every", "gallery", "vote_km", "title", "purpose", "licence")
    kept = {name: value for name, value in vars(config).items() if name not in paths}
    return {**kept, "pictures": len(tiles), "places": float(tiles.latlon_deg.double().sum())}


def _build_optimisers(pair: Pair, config: TowerConfig) -> list[torch.optim.Optimizer]:
    """Muon for the matrices between hidden layers, AdamW for the stem, norms, biases and the scale."""
    location = [layer.weight for layer in pair.location_encoder.modules() if isinstance(layer, nn.Linear)]
    stages = [p for p in pair.image_tower.stages.parameters() if p.ndim > 1]
    head = [p for p in pair.image_head.parameters() if p.ndim > 1]
    matrices = [*stages, pair.image_tower.mix.weight, *head, *location]
    rest = [p for p in pair.parameters() if all(p is not q for q in matrices)]
    return build_optimisers(matrices, rest, config.lr, config.muon_lr, weight_decay=0.0)
