"""`bench train --images`: both sides of a step, where photos go through ViT-L/14 and where features are read.

The tower has random weights and is frozen, as GeoCLIP's is: the speed does not depend on what was learnt, and
nothing has to be downloaded.
"""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from geotool.bench.timing import least_seconds
from geotool.bench.train import EPOCH_ROWS, SEED, Shape
from geotool.core.report import Report
from geotool.model.backbone import VisionTower
from geotool.model.devices import choose_precision, find_device, to_dtype
from geotool.model.image_head import ImageHead
from geotool.model.location_encoder import LocationEncoder
from geotool.model.preprocessing import preprocess_clip

PHOTO_SIZE_PX = (640, 480)
_AT_ONCE = {"cpu": 4, "mps": 16, "cuda": 64}  # photos in the tower; a CPU gains nothing from more
_WEIGHT_SPREAD = 0.02


def run_pixels(
    device: str,
    rounds: int,
    images: int,
    report: Report,
    shape: Shape,
    tower: VisionTower | None = None,
) -> list[dict[str, Any]]:
    """Rows of the least seconds of each side for a step of `images` photos, and of 4.1 million of them.

    A side is reading its input, forward and backward of what is trained; `tower` is ViT-L/14 by default.
    """
    sides = _Sides(find_device(device), images, shape, tower or VisionTower())
    calls: dict[str, Callable[[], object]] = {
        "image side, pixels": sides.see_pixels,
        "image side, features": sides.see_features,
        "location side": sides.see_places,
    }
    report.event("timing", images=images, rounds=rounds)
    seconds = least_seconds(calls, rounds)
    from_pixels_s = seconds["image side, pixels"]
    return [
        {
            "measure": name,
            "images": images,
            "precision": sides.precision,
            "step_s": step_s,
            "epoch_h": step_s / images * EPOCH_ROWS / 3600,
            "faster_than_pixels": from_pixels_s / step_s if name.startswith("image") else None,
        }
        for name, step_s in seconds.items()
    ]


class _Sides:
    """A tower with a head, a location encoder, and a step's input for each."""

    def __init__(self, device: str, images: int, shape: Shape, tower: VisionTower) -> None:
        torch.manual_seed(SEED)
        self.device, self.precision = device, choose_precision(device)
        self.dtype = to_dtype(self.precision)
        self.tower = _fill(tower).to_half(self.dtype).to(device)
        cells = len(self.tower.positional_embedding) - 1
        self.side_px = round(cells**0.5) * self.tower.conv1.kernel_size[0]
        self.head = ImageHead([shape.features, shape.features, shape.location.dim]).to(device)
        self.location_encoder = LocationEncoder(shape.location).to(device)
        self.photo, self.images = _write_photo(), images
        self.features = torch.randn(shape.rows, shape.features).half()  # (N, F)
        scale = torch.tensor([80.0, 180.0])
        self.places_deg = (2 * torch.rand(images + shape.queue, 2) - 1) * scale

    def see_pixels(self) -> None:
        """Decode and cut each photo, run the frozen tower, learn the head."""
        step = _AT_ONCE[self.device]
        parts = [self._embed(min(step, self.images - first)) for first in range(0, self.images, step)]
        self._learn(self.head, torch.cat(parts))

    def see_features(self) -> None:
        rows = torch.randint(len(self.features), (self.images,))
        self._learn(self.head, self.features[rows].float().to(self.device))

    def see_places(self) -> None:
        self._learn(self.location_encoder, self.places_deg.to(self.device))

    @torch.no_grad()
    def _embed(self, count: int) -> Tensor:
        from PIL import Image

        photos = [Image.open(io.BytesIO(self.photo)).convert("RGB") for _ in range(count)]
        pixels = torch.stack([preprocess_clip(photo, {"size_px": self.side_px}) for photo in photos])
        return self.tower(pixels.to(self.device)).float()

    def _learn(self, module: nn.Module, inputs: Tensor) -> None:
        with torch.autocast(self.device, self.dtype, enabled=self.dtype != torch.float32):
            loss = module(inputs).float().square().sum()
        loss.backward()
        loss.item()  # waits for the device


def _fill(tower: VisionTower) -> VisionTower:
    """Random numbers of the size of trained ones; whatever lay in memory could be slow or no numbers."""
    for parameter in tower.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=_WEIGHT_SPREAD)
        else:
            nn.init.ones_(parameter)
    return tower.requires_grad_(False).eval()


def _write_photo() -> bytes:
    from PIL import Image

    memory = io.BytesIO()
    Image.effect_mandelbrot(PHOTO_SIZE_PX, (-2, -1.5, 1, 1.5), 100).convert("RGB").save(memory, "JPEG")
    return memory.getvalue()
