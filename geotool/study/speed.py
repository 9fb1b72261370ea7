"""Seconds per epoch, split into image side and location side; all measured in turns, in one process.

A side is reading its input, forward and backward. What is done with both, the cosines and the optimiser, is
the same for all and left out.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from geotool.bench.timing import least_seconds
from geotool.core.artifacts import write_json
from geotool.core.report import Report
from geotool.features.store import FeatureStore, load_store
from geotool.model.devices import choose_precision, to_dtype
from geotool.model.geomodel import GeoModel, load_model
from geotool.model.tile_tower import normalise
from geotool.study.augmented import FINER, find_varied
from geotool.study.config import StudyConfig
from geotool.study.materials import Materials, tower_config
from geotool.study.place import home_at
from geotool.study.runs import train_config
from geotool.study.variants import VARIANTS, Variant
from geotool.training.constraint import constrain
from geotool.training.pgeoclip import PGeoClip, build_pgeoclip
from geotool.training.tower.augment import Augmenter
from geotool.training.tower.tile_set import TileSet, load_tiles
from geotool.training.tower.trainer import Pair

_ROUNDS = 3
_SEED = 0
_END_TO_END = "end-to-end"
# A side that several variants share is measured once; this is the variant it is measured of.
_IMAGE_SIDES = (_END_TO_END, "augmented", "features", "constraint")
_LOCATION_SIDES = (_END_TO_END, "features", "gate")


@dataclass(frozen=True, slots=True)
class Speed:
    """Seconds of an epoch by side, and once what the features of a study's tiles cost."""

    image_s: Mapping[str, float]
    location_s: Mapping[str, float]
    precompute_s: float

    def image_side_s(self, variant: Variant) -> float:
        if variant.pixels == "features":
            return self.image_s["constraint" if variant.constraint else "features"]
        return self.image_s[variant.name]

    def location_side_s(self, variant: Variant) -> float:
        if variant.pixels == "learnt tower":
            return self.location_s[_END_TO_END]
        return self.location_s["gate" if variant.gate else "features"]


def measure_speed(config: StudyConfig, materials: Materials, report: Report) -> Speed:
    """Measured at the study's first start, and kept: later ones may share the machine with others."""
    file = materials.place.speed
    if not file.is_file():
        report.event("measuring the sides of a step", rounds=_ROUNDS)
        with home_at(materials.place.models):
            write_json(file, _measure(config, materials, report))
    return Speed(**json.loads(file.read_text(encoding="utf-8")))


def _measure(config: StudyConfig, materials: Materials, report: Report) -> dict[str, object]:
    """Each side of a step, times the steps of an epoch."""
    sides = _Sides(config, materials, report)
    calls: dict[str, Callable[[], object]] = {
        "image end-to-end, early": lambda: sides.see_tiles(sides.early),
        "image end-to-end": lambda: sides.see_tiles(sides.late),
        "image augmented": sides.see_frozen,
        "image features": lambda: sides.see_features("features"),
        "image constraint": lambda: sides.see_features("constraint"),
        "location end-to-end": lambda: sides.place_tiles(),
        "location features": lambda: sides.place_features("features"),
        "location gate": lambda: sides.place_features("gate"),
        "precompute": sides.precompute,
    }
    steps = config.tiles / sides.batch
    epoch_s = {name: steps * seconds for name, seconds in least_seconds(calls, _ROUNDS).items()}
    early = sides.tower.early
    epoch_s["image end-to-end"] *= 1 - early
    epoch_s["image end-to-end"] += early * epoch_s["image end-to-end, early"]
    return {
        "image_s": {name: epoch_s[f"image {name}"] for name in _IMAGE_SIDES},
        "location_s": {name: epoch_s[f"location {name}"] for name in _LOCATION_SIDES},
        "precompute_s": epoch_s["precompute"],
    }


class _Sides:
    """The same batch of tiles on every way that a study trains."""

    def __init__(self, config: StudyConfig, materials: Materials, report: Report) -> None:
        place = materials.place
        self.tower = tower_config(config, place.tiles("training"), place.models, _SEED)
        self.model: GeoModel = load_model(materials.tower.name, config.device)
        self.device = self.model.device
        self.dtype = to_dtype(choose_precision(self.device))
        self.tiles: TileSet = load_tiles(place.tiles("training"), round(FINER * self.tower.size_px), report)
        self.batch = min(config.batch, len(self.tiles))
        self.store: FeatureStore = load_store(place.store("training"))
        self.late, self.early = Augmenter(self.tower.size_px), Augmenter(self.tower.early_px)
        self.frozen = Augmenter(self.model.info.spec["preprocessing"]["size_px"])
        self.pair = Pair(self.tower).to(self.device).to(memory_format=torch.channels_last)
        self.heads: dict[str, PGeoClip] = {
            name: self._build_heads(config, materials, name) for name in ("features", "gate", "constraint")
        }
        self.queue = train_config(config, materials, VARIANTS["features"], _SEED).queue

    def see_tiles(self, augmenter: Augmenter) -> None:
        pixels, latlon = self._draw_tiles()
        varied = normalise(augmenter(pixels, latlon[:, 0])).to(self.device)
        self._learn(nn.Sequential(self.pair.image_tower, self.pair.image_head), varied)

    def see_frozen(self) -> None:
        features = find_varied(self.model, self.frozen, *self._draw_tiles())
        self._learn(self.heads["features"].image_head, features.clone())

    def see_features(self, variant: str) -> None:
        rows = self._draw_rows()
        features = torch.from_numpy(self.store.read(rows)).to(self.device)
        heads = self.heads[variant]
        with self._autocast():
            vectors = heads.image_head(features)
            loss = vectors.float().square().sum()
            if heads.cells is not None:
                places = torch.from_numpy(self.store.latlon_deg[rows]).float().to(self.device)
                loss = loss + constrain(heads.cells, vectors, places)
        _finish(loss)

    def place_tiles(self) -> None:
        self._learn(self.pair.location_encoder, self._draw_places(self.batch + self.tower.negatives))

    def place_features(self, variant: str) -> None:
        self._learn(self.heads[variant].location_encoder, self._draw_places(self.batch + self.queue))

    @torch.inference_mode()
    def precompute(self) -> None:
        side = self.model.info.spec["preprocessing"]["size_px"]
        pictures = nn.functional.interpolate(self._draw_tiles()[0].float(), (side, side)).byte()
        self.model.find_features_of_levels(pictures).cpu()

    def _learn(self, module: nn.Module, inputs: Tensor) -> None:
        with self._autocast():
            loss = module(inputs).float().square().sum()
        _finish(loss)

    def _autocast(self) -> torch.autocast:
        return torch.autocast(self.device, self.dtype, enabled=self.dtype != torch.float32)

    def _draw_rows(self) -> np.ndarray:
        return torch.randint(len(self.store), (self.batch,)).numpy()

    def _draw_tiles(self) -> tuple[Tensor, Tensor]:
        rows = torch.randint(len(self.tiles), (self.batch,))
        return self.tiles.pixels[rows], self.tiles.latlon_deg[rows]

    def _draw_places(self, count: int) -> Tensor:
        return self.tiles.latlon_deg[torch.randint(len(self.tiles), (count,))].to(self.device)

    def _build_heads(self, config: StudyConfig, materials: Materials, name: str) -> PGeoClip:
        settings = train_config(config, materials, VARIANTS[name], _SEED)
        places = self.store.latlon_deg
        return build_pgeoclip(settings, materials.tower, self.store.dim, places).to(self.device)


def _finish(loss: Tensor) -> None:
    """Backward; the number waits for the device. Gradients pile up, which costs the same."""
    loss.backward()
    loss.item()
