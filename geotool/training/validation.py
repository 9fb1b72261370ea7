"""How far off a model's first candidate is, on rows that it has not learnt from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from geotool.core.artifacts import fingerprint
from geotool.core.geo import THRESHOLDS_KM
from geotool.core.sphere import haversine_km
from geotool.evaluation.metrics import median_km, within_km
from geotool.training.pgeoclip import PGeoClip

_ROWS_AT_ONCE = 1024


@dataclass(frozen=True, slots=True)
class ValidationSet:
    """`features` (n, F), their true `latlon_deg` (n, 2), and the (N, 2) places to answer with."""

    features: Tensor
    latlon_deg: np.ndarray
    gallery_deg: np.ndarray

    @property
    def fingerprint(self) -> str:
        """Scores of two validations can be compared where this is equal."""
        return fingerprint([[len(part), float(part.sum())] for part in (self.latlon_deg, self.gallery_deg)])


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What a validation found: percent within each distance, by its name, and the median error."""

    n: int
    within_km: dict[str, float]
    median_km: float | None

    @property
    def score(self) -> float:
        """What decides which epoch is the best: the mean of the five thresholds, in percent."""
        return sum(self.within_km[str(km)] for km in THRESHOLDS_KM) / len(THRESHOLDS_KM)

    def to_card(self, data: str, command: str) -> dict[str, Any]:
        """As model.json holds it."""
        return {
            "data": data, "n": self.n, "failed": 0, "within_km": self.within_km,
            "median_km": self.median_km, "command": command,
        }  # fmt: skip


def validate(pair: PGeoClip, held: ValidationSet) -> Figures:
    """Exact search over the gallery; the first candidate is the answer."""
    rows, _ = find_best(pair, held.features, held.gallery_deg)
    errors = haversine_km(held.gallery_deg[rows], held.latlon_deg)  # (n,)
    return Figures(n=len(errors), within_km=within_km(errors), median_km=median_km(errors))


@torch.inference_mode()
def find_best(pair: PGeoClip, features: Tensor, gallery_deg: np.ndarray) -> tuple[np.ndarray, Tensor]:
    """(n, F) features -> (n,) gallery row that fits best, and (n,) its cosine on the CPU."""
    places = pair.encode_places(gallery_deg)  # (N, D)
    parts = []
    for part in features.split(_ROWS_AT_ONCE):
        images = pair.encode_images(part.to(places.device))
        with torch.autocast(places.device.type, enabled=False):  # which is the best must not be rounded
            parts.append((images @ places.T).max(dim=1))
    rows, cosines = torch.cat([p.indices for p in parts]), torch.cat([p.values for p in parts])
    return rows.cpu().numpy(), cosines.cpu()
