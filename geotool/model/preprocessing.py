"""Photo -> CLIP's input, without torchvision or transformers: Pillow's resize is CLIP's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

if TYPE_CHECKING:
    from PIL.Image import Image

CLIP_MEAN = (0.48145466, 0.4578275, 0.40821073)  # R, G, B in 0..1
CLIP_STD = (0.26862954, 0.26130258, 0.27577711)
_MAX_STRIP = 40  # aspect ratio from which a strip is cut before it is scaled


def preprocess_clip(image: Image, spec: dict[str, Any]) -> Tensor:
    """RGB image -> (3, size_px, size_px) float32: shortest side scaled (bicubic), centre cut, normalised.

    Rounds as transformers' Pillow-backed CLIP processor does, so the pixels are equal bit for bit.
    """
    cut = _scale_and_cut(image, spec["size_px"])
    pixels = torch.from_numpy(np.array(cut, dtype=np.float32)) / 255  # (S, S, 3)
    mean, std = torch.tensor(CLIP_MEAN), torch.tensor(CLIP_STD)
    return ((pixels - mean) / std).permute(2, 0, 1).contiguous()


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
