"""A small convolution network for satellite tiles, and how a picture becomes its input.

A tile has no upper edge: turned by a quarter it shows the same place. The network knows that by
construction (group convolutions, arXiv 1602.07576): its maps come in four orientations that share
their weights, so that every tile teaches four, and a turned tile gets the same features. Residual
blocks (arXiv 1512.03385) without large early maps; the last map is not averaged, since where a coast
lies relative to the centre is what tells the centre's coordinates.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from geotool.model.preprocessing import Preprocessing

if TYPE_CHECKING:
    from PIL.Image import Image

MEAN, SPREAD = 0.35, 0.25  # of tiles, in 0..1, about the same for the three channels
_TURNS = 4


class TurnConv(nn.Module):
    """Convolution of maps in four orientations: (B, 4 I, S, S) -> (B, 4 O, s, s), channel by channel.

    `is_first` takes a picture, which has one orientation. Even kernels where `stride` is 2: an odd one
    would favour one side.
    """

    def __init__(
        self, narrow: int, wide: int, kernel: int, stride: int = 1, padding: int = 0, is_first: bool = False
    ) -> None:
        super().__init__()
        self.stride, self.padding, self.is_first = stride, padding, is_first
        inputs = narrow if is_first else narrow * _TURNS
        self.weight = nn.Parameter(torch.empty(wide, inputs, kernel, kernel))
        nn.init.kaiming_uniform_(self.weight, a=5**0.5)

    def forward(self, x: Tensor) -> Tensor:
        weight = self._turned().contiguous(memory_format=torch.channels_last)
        return functional.conv2d(x, weight, None, self.stride, self.padding)

    def _turned(self) -> Tensor:
        """The filters in all orientations: turned in the plane, their input orientations moved on."""
        wide, inputs, *kernel = self.weight.shape
        turns = 1 if self.is_first else _TURNS
        base = self.weight.reshape(wide, inputs // turns, turns, *kernel)  # (O, I, T, k, k)
        turned = [base.roll(turn, 2).rot90(turn, (3, 4)) for turn in range(_TURNS)]
        return torch.stack(turned, dim=1).reshape(wide * _TURNS, inputs, *kernel)


class TurnNorm(nn.Module):
    """Batch normalisation whose scale and shift are one for the four orientations of a channel."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(torch.ones(channels)), nn.Parameter(torch.zeros(channels))
        self.running_mean: Tensor
        self.running_var: Tensor
        self.register_buffer("running_mean", torch.zeros(channels * _TURNS))
        self.register_buffer("running_var", torch.ones(channels * _TURNS))

    def forward(self, x: Tensor) -> Tensor:
        weight, bias = (value.repeat_interleave(_TURNS) for value in (self.weight, self.bias))
        return functional.batch_norm(x, self.running_mean, self.running_var, weight, bias, self.training)


class Block(nn.Module):
    """Two convolutions beside a short cut; `stride` 2 halves the map."""

    def __init__(self, narrow: int, wide: int, stride: int) -> None:
        super().__init__()
        self.conv1 = TurnConv(narrow, wide, 4 if stride == 2 else 3, stride, 1)
        self.norm1 = TurnNorm(wide)
        self.conv2 = TurnConv(wide, wide, 3, 1, 1)
        self.norm2 = TurnNorm(wide)
        self.short: nn.Module = nn.Identity()
        if stride > 1:
            self.short = nn.Sequential(nn.AvgPool2d(stride), TurnConv(narrow, wide, 1), TurnNorm(wide))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.norm2(self.conv2(torch.relu(self.norm1(self.conv1(x)))))
        return torch.relu(self.short(x) + inner)


class TileTower(nn.Module):
    """(B, 3, S, S) normalised pixels -> (B, features), the same for all quarter turns of the pixels.

    `widths` are channels over all orientations: of the stem, then of each stage, which halves the map
    and holds `blocks` residual blocks. The last map is pooled to `grid` x `grid` cells where it is
    larger and mixed to `features`, once as seen from each orientation, and averaged. An image head
    takes them to the space shared with places.
    """

    def __init__(self, *, widths: list[int], blocks: list[int], grid: int, features: int) -> None:
        super().__init__()
        self.grid = grid
        channels = [width // _TURNS for width in widths]
        stem = TurnConv(3, channels[0], 6, 4, 1, is_first=True)
        self.stem = nn.Sequential(stem, TurnNorm(channels[0]), nn.ReLU())
        stages: list[nn.Module] = []
        for narrow, wide, count in zip(channels, channels[1:], blocks, strict=False):
            stages += [Block(narrow, wide, 2), *(Block(wide, wide, 1) for _ in range(count - 1))]
        self.stages = nn.Sequential(*stages)
        self.mix = nn.Linear(widths[-1] * grid * grid, features, bias=False)
        self.norm = nn.BatchNorm1d(features)

    def forward(self, pixels: Tensor) -> Tensor:
        x = self.stages(self.stem(pixels.contiguous(memory_format=torch.channels_last)))  # (B, W, s, s)
        x = functional.adaptive_avg_pool2d(x, self.grid)
        maps = x.reshape(len(x), -1, _TURNS, self.grid, self.grid)  # (B, C, T, g, g)
        views = [maps.roll(-turn, 2).rot90(-turn, (3, 4)).flatten(1) for turn in range(_TURNS)]
        mixed = self.norm(self.mix(torch.cat(views)))  # (T B, features)
        return torch.relu(mixed).unflatten(0, (_TURNS, len(x))).mean(dim=0)


def cut_square(image: Image, size_px: int) -> np.ndarray:
    """RGB image -> (S, S, 3) uint8: the largest square in the middle, scaled."""
    from PIL.Image import Resampling

    width, height = image.size
    side = min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    box = (left, top, left + side, top + side)
    # `reducing_gap` makes a photo of 24 megapixels as quick as a tile, and no tile is touched by it.
    return np.asarray(image.resize((size_px, size_px), Resampling.BILINEAR, box, reducing_gap=3.0))


def normalise(pixels: Tensor) -> Tensor:
    """Values in 0..1 -> what the tower was trained on."""
    return (pixels - MEAN) / SPREAD


def denormalise(pixels: Tensor) -> Tensor:
    """The values in 0..1 again."""
    return pixels * SPREAD + MEAN


preprocess = Preprocessing(cut_square, normalise)  # for preprocessing of kind "tile"
