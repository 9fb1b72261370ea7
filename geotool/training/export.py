"""Heads trained on features as a model folder, with the image tower that made the features."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from geotool.model import familiarity, image_cells
from geotool.model.weights import read_tensors
from geotool.model.zoo import ModelInfo, find_tower, weights_file
from geotool.training.checkpoint import with_prefix
from geotool.training.config import TrainConfig
from geotool.training.familiarity import Familiarity
from geotool.training.model_folder import write_model_folder
from geotool.training.pgeoclip import PGeoClip
from geotool.training.validation import Figures

_NO_RECIPE = ("features", "out", "device", "save_every", "workers", "validation", "gallery", "title",
              "purpose", "licence")  # fmt: skip


def write_model(
    config: TrainConfig,
    pair: PGeoClip,
    source: ModelInfo,
    gallery_deg: np.ndarray,
    familiar: Familiarity | None,
    figures: Figures | None,
    curves: Path,
) -> None:
    """Write the folder `config.out`. `source` is the model that made the features, `gallery_deg` (N, 2)."""
    tower, tensors = _find_tower_part(source)
    for name in ("image_head", "location_encoder"):
        tensors |= with_prefix(f"{name}.", getattr(pair, name).state_dict())
    if pair.cells is not None:
        tensors |= with_prefix(image_cells.PREFIX, pair.cells.to_tensors())
    if familiar is not None:
        tensors |= with_prefix(familiarity.PREFIX, familiar[0])
    spec = {
        "title": config.title or config.out.name,
        "purpose": config.purpose or source.purpose,
        "image_tower": tower,
        "features_of": source.features_fingerprint,
        "image_head": {"widths": _widths(pair)},
        "location_encoder": dataclasses.asdict(pair.location_encoder.spec),
        "preprocessing": source.spec["preprocessing"],
        "logit_scale": round(pair.temperature().item(), 4),
        **({"vote_km": source.spec["vote_km"]} if "vote_km" in source.spec else {}),
        "familiarity": {"threshold": familiar[1]} if familiar is not None else None,
        "licence": config.licence or source.licence,
        "accuracy": [figures.to_card(*_say_how_measured(config))] if figures else [],
        "training": {k: v for k, v in vars(config).items() if k not in _NO_RECIPE},
    }
    write_model_folder(config.out, spec, tensors, gallery_deg, curves)


def _find_tower_part(source: ModelInfo) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """The image tower for model.json, and its weights. What anybody can download is named, not copied."""
    root = find_tower(source)
    if "download" in root.spec:
        return {"from": root.name, "weights_sha256": root.spec["weights"]["sha256"]}, {}
    tensors = read_tensors(weights_file(root), "image_tower.")
    return root.spec["image_tower"], with_prefix("image_tower.", tensors)


def _widths(pair: PGeoClip) -> list[int]:
    matrices = [weight for weight in pair.image_head.parameters() if weight.ndim == 2]
    return [matrices[0].shape[1], *map(len, matrices)]


def _say_how_measured(config: TrainConfig) -> tuple[str, str]:
    if config.validation is not None:
        data = f"validation on {config.validation.name}, first candidate"
    else:
        data = f"validation share of {config.features.name}, first candidate"
    return data, f"train {config.features.name}"
