"""A trained pair of towers as a model folder: model.json, weights, gallery coordinates."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from geotool.core.artifacts import file_sha256, replace_folder, write_json
from geotool.model.familiarity import PREFIX
from geotool.model.zoo import SCHEMA, SPEC_FILE
from geotool.training.config import TrainConfig
from geotool.training.trainer import Pair

WEIGHTS_FILE, COORDINATES_FILE = "weights.safetensors", "coordinates.npy"
_EXACT = ("frequencies", "running_", PREFIX)  # half precision would turn phases and odd values


def write_model(
    config: TrainConfig, pair: Pair, gallery_deg: np.ndarray, familiarity: tuple[dict[str, Tensor], float]
) -> None:
    """Write the folder `config.out`, all at once: an older model stays until the new one is whole.

    `gallery_deg` is (N, 2) lat, lon; `familiarity` the parameters and the threshold.
    """
    config.out.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{config.out.name}-", dir=config.out.parent))
    try:
        tensors = {**pair.state_dict(), **{PREFIX + name: value for name, value in familiarity[0].items()}}
        tensors.pop("log_scale")
        weights = temporary / WEIGHTS_FILE
        save_file({name: _to_stored(name, value) for name, value in tensors.items()}, weights)
        weights.chmod(0o644)  # the library writes it for its owner alone
        np.save(temporary / COORDINATES_FILE, gallery_deg.astype(np.float32))
        spec = _to_spec(config, pair, familiarity[1], file_sha256(weights))
        write_json(temporary / SPEC_FILE, spec)
        replace_folder(temporary, config.out)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _to_stored(name: str, value: Tensor) -> Tensor:
    value = value.detach().cpu().contiguous()
    if value.dtype != torch.float32 or any(mark in name for mark in _EXACT):
        return value
    return value.half()


def _to_spec(config: TrainConfig, pair: Pair, threshold: float, sha256: str) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "name": config.out.name,
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
        "gallery": {"coordinates": COORDINATES_FILE},
        "licence": config.licence,
        "accuracy": [],
        "training": _to_recipe(config),
        "weights": {"file": WEIGHTS_FILE, "sha256": sha256},
    }  # fmt: skip


def _to_recipe(config: TrainConfig) -> dict[str, Any]:
    names = (
        "seed", "steps", "batch", "muon_lr", "lr", "warmup", "negatives", "softness_km", "augment",
        "early_px", "early",
    )  # fmt: skip
    return {name: getattr(config, name) for name in names}
