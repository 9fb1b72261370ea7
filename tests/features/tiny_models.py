"""Models with small random towers, in a home of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from geotool.model.backbone import VisionTower
from geotool.model.tile_tower import TileTower
from geotool.training.model_folder import write_model_folder

FEATURES = 16
CLIP = {
    "kind": "open_clip",
    "size_px": 28,
    "patch_px": 14,
    "width": 32,
    "layers": 2,
    "heads": 2,
    "dim": FEATURES,
}
TILE = {"kind": "tile_tower", "widths": [4, 8, 16], "blocks": [1, 1], "grid": 2, "features": FEATURES}
PREPROCESSING = {"clip": {"kind": "clip", "size_px": 28}, "tile": {"kind": "tile", "size_px": 32}}


def write_tiny_model(home: Path, name: str = "tiny", kind: str = "clip") -> None:
    """Its features differ from photo to photo, as those of a trained one do."""
    spec = CLIP if kind == "clip" else TILE
    torch.manual_seed(0)
    tower = _build(dict(spec))
    tensors = {f"image_tower.{key}": value for key, value in tower.state_dict().items()}
    head = nn.Linear(FEATURES, 8)
    tensors |= {"image_head.0.weight": head.weight, "image_head.0.bias": head.bias}
    about: dict[str, Any] = {
        "title": name,
        "purpose": "Tests.",
        "image_tower": spec,
        "image_head": {"widths": [FEATURES, 8]},
        "location_encoder": {"sigmas": [1.0], "frequencies": 4, "hidden": 8, "dim": 8},
        "preprocessing": PREPROCESSING[kind],
        "logit_scale": 10.0,
        "familiarity": None,
        "licence": "none",
        "accuracy": [],
    }
    write_model_folder(home / name, about, tensors, np.zeros((1, 2)))


def _build(spec: dict[str, Any]) -> nn.Module:
    kind = spec.pop("kind")
    if kind == "tile_tower":
        return TileTower(**spec)
    tower = VisionTower(**spec)
    for name, parameter in tower.named_parameters():
        start = 1.0 if name.endswith("weight") and ".ln_" in f".{name}" else 0.0
        parameter.data = start + torch.randn_like(parameter) * 0.2
    return tower
