"""Tell pictures of the kind a model was trained on from all others.

Four measures, each in units of what the oddest training tiles reach: how usual the colours are (log
density of RGB, its mean and its lowest tenth, so that a red car counts however green the field around
it is), how far the image tower's features lie from the training tiles' (Mahalanobis distance, as in
arXiv 1807.03888), and how well any place on Earth fits the picture (its best cosine). Together they
let a tile under unusual snow pass that fits its place, and refuse a photo that fits none. Fitted by
geotool.training.tower.familiarity on tiles alone: no photograph is needed.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor

from geotool.model.tile_tower import denormalise

BINS = 24  # per colour channel
_MIN_CONTRAST = 0.002  # half a grey level: a picture of one colour shows nothing to recognise
_FLAT_SCORE = -100.0
_COSINE_WEIGHT = 0.7  # the ground under snow fits its place less well too, and is to pass
ODD_SHARE = 0.02  # of the training tiles have an oddness of one unit or more, by each measure
PREFIX = "familiarity."  # of the tensors in a model's weights


def score(pixels: Tensor, features: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    """(B, 3, S, S) normalised pixels and (B, F) tower features -> (B,): 0 is usual, less is odder.

    -1 is about what one training tile in fifty reaches by one of the measures. The measure that
    needs a search, the best cosine, is added by `add_cosine`.
    """
    colours = denormalise(pixels)
    measures = torch.stack([
        *measure_colours(colours, parameters["colours"]),
        measure_features(features, parameters["mean"], parameters["precision"]),
    ], dim=1)  # (B, 3)  # fmt: skip
    oddness = (parameters["median"][:3] - measures) / parameters["spread"][:3]
    usual = -oddness.clamp(min=0).square().sum(dim=1).sqrt()
    contrast = colours.mean(dim=1).flatten(1).std(dim=1)
    return usual.where(contrast > _MIN_CONTRAST, _FLAT_SCORE)


def add_cosine(scores: Tensor, cosines: Tensor, parameters: Mapping[str, Tensor]) -> Tensor:
    """(B,) scores of `score` and (B,) cosines with the best place -> (B,) scores of all four measures."""
    oddness = _COSINE_WEIGHT * (parameters["median"][3] - cosines) / parameters["spread"][3]
    return -torch.hypot(scores, oddness.clamp(min=0))


def find_bins(colours: Tensor) -> Tensor:
    """(B, 3, S, S) in 0..1 -> (B, S * S) numbers of the bins of RGB space."""
    red, green, blue = (colours.clamp(0, 1) * (BINS - 1e-3)).long().flatten(2).unbind(1)
    return (red * BINS + green) * BINS + blue


def measure_colours(colours: Tensor, log_density: Tensor) -> tuple[Tensor, Tensor]:
    """Log density of the colours of each picture, (B,) each: its mean, and what a tenth falls below."""
    found = log_density.float()[find_bins(colours)]  # (B, S * S)
    return found.mean(dim=1), found.quantile(0.1, dim=1)


def measure_features(features: Tensor, mean: Tensor, precision: Tensor) -> Tensor:
    """(B,) minus the Mahalanobis distance of (B, F) features."""
    offset = features.float() - mean.float()
    return -((offset @ precision.float()) * offset).sum(dim=1).clamp(min=0).sqrt()
