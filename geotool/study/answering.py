"""How far off the answers of a trained model are, with and without the guidance of its cells."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.nn import functional

from geotool.core.sphere import haversine_km
from geotool.evaluation.metrics import median_km, within_km
from geotool.features.store import load_store
from geotool.gallery.guidance import guide
from geotool.model.geomodel import GeoModel
from geotool.model.image_cells import PREFIX, ImageCells
from geotool.model.weights import read_tensors
from geotool.model.zoo import weights_file
from geotool.photos.read import read_photo
from geotool.training.validation import Figures

CANDIDATES = 100
WEIGHTS = (0.0, 0.1, 0.2, 0.5, 1.0, 2.0)  # of the guidance; the first one is none
_ROWS_AT_ONCE = 256
_QUERIES = 50


@dataclass(frozen=True, slots=True)
class Guidance:
    """The level of cells and the weight that answers are guided with."""

    level: int
    weight: float


@dataclass(frozen=True, slots=True)
class Candidates:
    """Of n photos: their unit `vectors` (n, D), gallery `rows` (n, K) and `cosines` (n, K), best first."""

    vectors: np.ndarray
    rows: np.ndarray
    cosines: np.ndarray


class Answerer:
    """A model with the (N, 2) places that it answers with; exact search, the first candidate counts."""

    def __init__(self, model: GeoModel, gallery_deg: np.ndarray) -> None:
        self.model, self.gallery_deg = model, gallery_deg
        self.places = torch.from_numpy(model.encode_locations(gallery_deg))  # (N, D)
        tensors = read_tensors(weights_file(model.info), PREFIX)
        self.cells = ImageCells.from_tensors(tensors) if tensors else None
        self.cells_of_places = _find_cells(self.cells, gallery_deg) if self.cells else []  # (N,) per level

    @torch.inference_mode()
    def search(self, features: torch.Tensor) -> Candidates:
        """(n, F) features of photos -> their candidates."""
        vectors = functional.normalize(self.model.image_head(features.to(self.model.device)), dim=1).cpu()
        count = min(CANDIDATES, len(self.places))
        best = [(part @ self.places.T).topk(count, dim=1) for part in vectors.split(_ROWS_AT_ONCE)]
        rows, cosines = (
            torch.cat(column).numpy() for column in ([b.indices for b in best], [b.values for b in best])
        )
        return Candidates(vectors.numpy(), rows, cosines)

    def choose(self, found: Candidates, guidance: Guidance | None) -> np.ndarray:
        """(n,) the gallery row that is the answer."""
        if guidance is None:
            return found.rows[:, 0]
        assert self.cells is not None
        masses = self.cells.find_masses(torch.from_numpy(found.vectors))[guidance.level].numpy()
        cells = self.cells_of_places[guidance.level][found.rows]  # (n, K)
        scores = guide(found.cosines, cells, masses, self.model.logit_scale, guidance.weight)
        return np.take_along_axis(found.rows, scores.argmax(axis=1)[:, None], axis=1)[:, 0]

    def measure(self, store: Path, guidance: Guidance | None = None) -> Figures:
        """The figures over the photos of a feature store."""
        photos = load_store(store)
        found = self.search(torch.from_numpy(photos.read(np.arange(len(photos)))))
        return self._find_figures(found, photos.latlon_deg, guidance)

    def choose_guidance(self, store: Path) -> Guidance:
        """What gives the best mean of the five thresholds on a store; the least guidance among equals."""
        photos = load_store(store)
        found = self.search(torch.from_numpy(photos.read(np.arange(len(photos)))))
        tried = [Guidance(level, weight) for weight in WEIGHTS for level in range(len(self.cells_of_places))]
        return max(tried, key=lambda one: self._find_figures(found, photos.latlon_deg, one).score)

    def time_query(self, pictures: Sequence[Path], guidance: Guidance | None) -> float:
        """Least milliseconds from a file to an answer, one at a time: others may use the machine."""
        times_s: list[float] = []
        for path in pictures[:_QUERIES]:
            start = time.perf_counter()
            features = self.model.find_features([read_photo(path)[1]])
            self.choose(self.search(features), guidance)
            times_s.append(time.perf_counter() - start)
        return 1000 * min(times_s)

    def _find_figures(self, found: Candidates, truth_deg: np.ndarray, guidance: Guidance | None) -> Figures:
        errors = haversine_km(self.gallery_deg[self.choose(found, guidance)], truth_deg)  # (n,)
        return Figures(n=len(errors), within_km=within_km(errors), median_km=median_km(errors))


def _find_cells(cells: ImageCells, latlon_deg: np.ndarray) -> list[np.ndarray]:
    return [cells.find_cells(latlon_deg, level) for level in range(len(cells.counts))]


def to_json(figures: Figures) -> dict[str, Any]:
    """Percent by distance, the median, and the mean of the five thresholds."""
    return {**asdict(figures), "score": figures.score}
