"""Cells of the Earth that a photo may lie in, told from its vector: the image side's own view of where.

Trained beside the contrast (geotool.training.constraint); a model may keep it in its weights, and
geotool.gallery.guidance can weigh candidates with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.core.sphere import to_xyz

PREFIX = "image_cells."  # of the tensors in a model's weights


class ImageCells(nn.Module):
    """Levels of cells, from coarse to fine, and a linear head for each on the photo's vector.

    A place belongs to the cell whose centre is nearest. `counts` says how many cells each level has;
    `centers_deg` holds the (C, 2) lat, lon of all of them, level by level.
    """

    def __init__(self, dim: int, counts: Sequence[int]) -> None:
        super().__init__()
        self.counts = tuple(counts)
        self.head = nn.Linear(dim, sum(counts))  # those of all levels, one behind the other
        self.centers_deg: Tensor
        self.register_buffer("centers_deg", torch.zeros(sum(counts), 2))

    @property
    def centers(self) -> tuple[Tensor, ...]:
        """(C, 2) degrees per level."""
        return self.centers_deg.split(self.counts)

    def forward(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """(B, D) vectors of any length -> (B, C) logits per level."""
        # As if from a layer norm: the numbers of a unit vector are too small to learn from.
        scaled = functional.normalize(vectors.float(), dim=1) * vectors.shape[1] ** 0.5
        return self.head(scaled.to(self.head.weight.dtype)).split(self.counts, dim=1)

    @torch.inference_mode()
    def find_masses(self, vectors: Tensor) -> tuple[Tensor, ...]:
        """(B, D) -> (B, C) shares per level, each row with a sum of 1. Guidance, no probabilities."""
        return tuple(functional.softmax(logits.float(), dim=1) for logits in self(vectors))

    def find_cells(self, latlon_deg: np.ndarray, level: int = -1) -> np.ndarray:
        """(N, 2) degrees -> (N,) the cells they lie in, from 0; the finest level if none is given."""
        from scipy.spatial import cKDTree

        centers = to_xyz(self.centers[level].cpu().numpy())  # (C, 3)
        return cKDTree(centers).query(to_xyz(latlon_deg))[1]

    def to_tensors(self) -> dict[str, Tensor]:
        """Everything `from_tensors` needs. The centres want float32: half precision moves them by 7 km."""
        return {**self.state_dict(), "counts": torch.tensor(self.counts)}

    @classmethod
    def from_tensors(cls, tensors: Mapping[str, Tensor]) -> ImageCells:
        """The cells that `to_tensors` gave."""
        cells = cls(tensors["head.weight"].shape[1], tensors["counts"].tolist())
        cells.load_state_dict({name: value for name, value in tensors.items() if name != "counts"})
        return cells
