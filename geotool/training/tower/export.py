"""A trained pair of towers as a model folder."""

from __future__ import annotations

from typing import Any

import numpy as np
from torch import Tensor

from geotool.model.familiarity import PREFIX
from geotool.training.checkpoint import with_prefix
from geotool.training.model_folder import write_model_folder
from geotool.training.tower.config import TowerConfig
from geotool.training.tower.trainer import Pair


def write_model(
    config: TowerConfig, pair: Pair, gallery_deg: np.ndarray, familiarity: tuple[dict[str, Tensor], float]
) -> None:
    """Write the folder `config.out`.

    `gallery_deg` is (N, 2) lat, lon; `familiarity` the parameters and the threshold.
    """
    parameters, threshold = familiarity
    tensors = {**pair.state_dict(), **with_prefix(PREFIX, parameters)}
    tensors.pop("log_scale")
    write_model_folder(config.out, _to_spec(config, pair, threshold), tensors, gallery_deg)


def _to_spec(config: TowerConfig, pair: Pair, threshold: float) -> dict[str, Any]:
    return {
        "title": config.title or config.out.name,
        "purpose": config.purpose or f"Pictures like those in {config.data.name}.",
        "image_tower": {
            "kind": "tile_tower", "widths": config.widths, "blocks": config.blocks,
            "grid": config.grid, "features": config.features,
        },
        "image_head": {"widths": [config.features, config.dim]},
        "location_encoder": {
            "sigmas": config.sigmas, "frequencies": config.frequencies,
            "hidden": config.hidden, "dim": config.dim,
        },
        "preprocessing": {"kind": "tile", "size_px": config.size_px},
        "logit_scale": round(pair.scale.item(), 4),
        "vote_km": config.vote_km,
        "familiarity": {"threshold": round(threshold, 4)},
        "licence": config.licence,
        "accuracy": [],
        "training": _to_recipe(config),
    }  # fmt: skip


def _to_recipe(config: TowerConfig) -> dict[str, Any]:
    names = (
        "seed", "steps", "batch", "muon_lr", "lr", "warmup", "negatives", "softness_km", "augment",
        "early_px", "early",
    )  # fmt: skip
    return {name: getattr(config, name) for name in names}
