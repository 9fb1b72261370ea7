"""What is trained on features: image head, location encoder, temperature, and the cells of the constraint."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.core.errors import MismatchError, UsageError
from geotool.features.store import FeatureStore
from geotool.model.image_cells import ImageCells
from geotool.model.image_head import ImageHead
from geotool.model.location_encoder import LocationEncoder, LocationSpec, add_capsule
from geotool.model.weights import read_tensors
from geotool.model.zoo import ModelInfo, find_model, list_models, weights_file
from geotool.training.config import TrainConfig
from geotool.training.constraint import build_cells
from geotool.training.contrast import Temperature

_PLACES_AT_ONCE = 4096


class PGeoClip(nn.Module):
    """(B, F) features and (P, 2) places become (B, D) and (P, D) vectors of one space."""

    def __init__(
        self, image_head: ImageHead, location_encoder: LocationEncoder, temperature: Temperature
    ) -> None:
        super().__init__()
        self.image_head, self.location_encoder = image_head, location_encoder
        self.temperature = temperature
        self.cells: ImageCells | None = None

    def encode_images(self, features: Tensor) -> Tensor:
        """(B, F) -> (B, D) unit vectors."""
        return functional.normalize(self.image_head(features).float(), dim=1)

    def encode_places(self, latlon_deg: np.ndarray) -> Tensor:
        """(P, 2) degrees -> (P, D) unit vectors, a few at a time."""
        device = self.temperature.log_scale.device
        points = torch.from_numpy(latlon_deg.astype(np.float32)).split(_PLACES_AT_ONCE)
        parts = [self.location_encoder(part.to(device)).float() for part in points]
        return functional.normalize(torch.cat(parts), dim=1)


def find_source(store: FeatureStore) -> ModelInfo:
    """The model whose tower made the features. Raises MismatchError where it is not here."""
    wanted = store.meta.inputs["model"]
    models = list_models()
    found = [info for info in models if wanted in (info.fingerprint, info.features_fingerprint)]
    if found:
        return min(found, key=lambda info: info.fingerprint != wanted)  # itself before those with its tower
    here = ", ".join(f"{info.name} {info.fingerprint}" for info in models)
    raise MismatchError(
        f"The features in {store.folder} were made with the model {wanted}, which is not here ({here}).",
        "Bring that model here, or run precompute again with one of these.",
    )


def find_start(config: TrainConfig, source: ModelInfo) -> ModelInfo:
    """The model to start from. Raises MismatchError where its tower gives other features than `source`."""
    start = source if config.init is None else find_model(config.init)
    check_same_features(start, source)
    return start


def check_same_features(found: ModelInfo, wanted: ModelInfo) -> None:
    """Raises MismatchError where two models have other image towers or preprocessing."""
    if found.features_fingerprint != wanted.features_fingerprint:
        raise MismatchError(
            f"The features are of {wanted.name} ({wanted.features_fingerprint}), but {found.name} "
            f"sees with another tower ({found.features_fingerprint}).",
            f"Run precompute with --model {found.name}.",
        )


def build_pgeoclip(config: TrainConfig, start: ModelInfo, dim: int, places_deg: np.ndarray) -> PGeoClip:
    """Heads for features of F = `dim`: those of `start` with --init, else fresh ones. Draws from the seed.

    `places_deg` (N, 2) are those of the training. Raises UsageError where --init has another shape.
    """
    torch.manual_seed(config.seed)
    spec = _find_location_spec(config, start)
    head = start.spec["image_head"] or {"widths": [dim, spec.dim]}
    if head["widths"][0] != dim:
        raise MismatchError(f"{start.name} takes {head['widths'][0]} features, the store has {dim}.")
    pair = PGeoClip(ImageHead(head["widths"]), LocationEncoder(spec), Temperature())
    if config.init is not None:
        _copy_weights(pair, start)
    if config.finer is not None:
        pair.location_encoder = add_capsule(pair.location_encoder, config.finer)
    if config.constraint > 0:
        pair.cells = build_cells(places_deg, pair.location_encoder.spec.dim, config.cells, config.seed)
    return pair


def _find_location_spec(config: TrainConfig, start: ModelInfo) -> LocationSpec:
    found = {**start.spec["location_encoder"], "sigmas": tuple(start.spec["location_encoder"]["sigmas"])}
    wanted: dict[str, Any] = {
        "gate": config.gate,
        "input": config.input,
        "sigmas": config.sigmas or None,
        "hidden": config.hidden,
    }
    wanted = {name: value for name, value in wanted.items() if value is not None}
    spec = LocationSpec(**{**found, **wanted})
    if config.init is not None and spec != LocationSpec(**found):
        raise UsageError(
            f"{start.name} has trained layers of another shape than {', '.join(wanted)} ask for.",
            "Leave these out to start from it, or leave out --init.",
        )
    return spec


def _copy_weights(pair: PGeoClip, start: ModelInfo) -> None:
    for name in ("image_head", "location_encoder"):
        tensors = read_tensors(weights_file(start), f"{name}.")
        getattr(pair, name).load_state_dict({key: value.float() for key, value in tensors.items()})
    with torch.no_grad():
        pair.temperature.log_scale.fill_(math.log(start.spec["logit_scale"]))
