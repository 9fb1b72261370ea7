"""The small network between an image tower and the space shared with places."""

from __future__ import annotations

from itertools import pairwise

from torch import nn


class ImageHead(nn.Sequential):
    """Linear layers with ReLU between them: (B, widths[0]) -> (B, widths[-1]), not normalised."""

    def __init__(self, widths: list[int]) -> None:
        layers: list[nn.Module] = []
        for wide, narrow in pairwise(widths):
            layers += [nn.Linear(wide, narrow), nn.ReLU()]
        super().__init__(*layers[:-1])
