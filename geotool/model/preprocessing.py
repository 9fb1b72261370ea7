"""Photo -> a tower's input in two steps: levels cut from the picture, then normalised. CLIP's are here.

Without torchvision or transformers: Pillow's resize is CLIP's own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # R, G, B in 0..1
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_MAX_STRIP = 40  # aspect ratio from which a strip is cut before it is scaled


@dataclass(frozen=True, slots=True)
class Preprocessing:
    """A kind of preprocessing: RGB image, spec of model.json -> (3, S, S) float32; and its steps alone."""

    cut: Callable[[Image, int], np.ndarray]  # RGB image, S -> (S, S, 3) uint8
    normalise: Callable[[Tensor], Tensor]  # (..., 3, S, S) float32 in 0..1 -> the tower's input

    def __call__(self, image: Image, spec: dict[str, Any]) -> Tensor:
        return self.to_input(self.to_levels(image, spec)).contiguous()

    def to_levels(self, image: Image, spec: dict[str, Any]) -> Tensor:
        """RGB image -> (3, S, S) uint8."""
        return torch.from_numpy(np.array(self.cut(image, spec["size_px"]))).permute(2, 0, 1)

    def to_input(self, levels: Tensor) -> Tensor:
        """(..., 3, S, S) uint8 -> float32, as the tower was trained."""
        return self.normalise(levels.float() / 255)


def cut_clip(image: Image, size_px: int) -> np.ndarray:
    """RGB image -> (S, S, 3) uint8: shortest side scaled (bicubic), centre cut."""
    return np.asarray(_scale_and_cut(image, size_px))


def normalise_clip(pixels: Tensor) -> Tensor:
    """(..., 3, S, S) values in 0..1 -> mean 0 and spread 1 over CLIP's pictures."""
    mean, std = (torch.tensor(values, device=pixels.device) for values in (CLIP_MEAN, CLIP_STD))
    return (pixels - mean[:, None, None]) / std[:, None, None]


# Rounds as transformers' Pillow-backed CLIP processor does, so the pixels are equal bit for bit.
preprocess_clip = Preprocessing(cut_clip, normalise_clip)


def _scale_and_cut(image: Image, size_px: int) -> Image:
    from PIL.Image import Resampling

    width, height = image.size
    short = min(width, height)
    scaled = (int(size_px * width / short), int(size_px * height / short))
    left, top = (scaled[0] - size_px) // 2, (scaled[1] - size_px) // 2
    box = (left, top, left + size_px, top + size_px)
    if max(scaled) <= _MAX_STRIP * size_px:
        return image.resize(scaled, Resampling.BICUBIC).crop(box)
    # A strip of 1 x 100 000 px would grow to gigabytes: scale only the part that is kept.
    x, y = width / scaled[0], height / scaled[1]
    part = (box[0] * x, box[1] * y, box[2] * x, box[3] * y)
    return image.resize((size_px, size_px), Resampling.BICUBIC, box=part)
