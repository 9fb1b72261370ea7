"""A trained model as a folder: model.json, weights, gallery coordinates."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor

from geotool.core.artifacts import file_sha256, replace_folder, write_json
from geotool.model.familiarity import PREFIX
from geotool.model.zoo import SCHEMA, SPEC_FILE

WEIGHTS_FILE, COORDINATES_FILE = "weights.safetensors", "coordinates.npy"
# Half precision would turn phases, move places and spoil odd values.
_EXACT = ("frequencies", "centers_deg", "running_", PREFIX)


def write_model_folder(
    target: Path,
    spec: dict[str, Any],
    tensors: Mapping[str, Tensor],
    gallery_deg: np.ndarray,
    curves: Path | None = None,
) -> None:
    """Write the model `target`, all at once: an older one stays until the new one is whole.

    `spec` is model.json without what follows from the files; `gallery_deg` is (N, 2) lat, lon; `curves` is
    a folder to copy.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    try:
        weights = temporary / WEIGHTS_FILE
        save_file({name: _to_stored(name, value) for name, value in tensors.items()}, weights)
        weights.chmod(0o644)  # the library writes it for its owner alone
        np.save(temporary / COORDINATES_FILE, gallery_deg.astype(np.float32))
        if curves is not None:
            shutil.copytree(curves, temporary / curves.name)
        files = {
            "gallery": {"coordinates": COORDINATES_FILE},
            "weights": {"file": WEIGHTS_FILE, "sha256": file_sha256(weights)},
        }
        write_json(temporary / SPEC_FILE, {"schema": SCHEMA, "name": target.name, **spec, **files})
        replace_folder(temporary, target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _to_stored(name: str, value: Tensor) -> Tensor:
    value = value.detach().cpu().contiguous()
    if value.dtype != torch.float32 or any(mark in name for mark in _EXACT):
        return value
    return value.half()
