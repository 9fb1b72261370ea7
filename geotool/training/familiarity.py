"""Learn from the training tiles what a familiar picture looks like."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from geotool.model.familiarity import BINS, average_map, find_bins, measure_colours, measure_features, score
from geotool.model.tile_tower import normalise
from geotool.training.augment import Augmenter
from geotool.training.tile_set import TileSet
from geotool.training.trainer import Pair

_TILES = 6000  # enough for the covariance of some hundred features
_AT_ONCE = 500
_REFUSED = 0.0225  # share of the training tiles below the threshold


@torch.inference_mode()
def fit_familiarity(pair: Pair, tiles: TileSet, size_px: int, seed: int) -> tuple[dict[str, Tensor], float]:
    """The parameters of geotool.model.familiarity.score, and the threshold.

    The colours are those of the tiles as they are; the features also those in other seasons, which
    are to pass as well. The threshold lets all but _REFUSED of the tiles pass.
    """
    torch.manual_seed(seed)
    rows = torch.randperm(len(tiles))[:_TILES]
    plain = _in_batches(lambda pixels: _scale(pixels, size_px), tiles.pixels[rows])
    varied = _in_batches(Augmenter(size_px), tiles.pixels[rows], tiles.latlon_deg[rows, 0])
    features, others = (_in_batches(pair.image_tower, normalise(x)) for x in (plain, varied))
    parameters = _fit_gaussian(torch.cat([features, others]), pair.width)
    parameters["colours"] = _find_log_density(plain)
    measures = torch.stack([
        *measure_colours(plain, parameters["colours"]),
        measure_features(features, parameters["mean"], parameters["precision"]),
    ], dim=1)  # (N, 3)  # fmt: skip
    median = measures.median(dim=0).values
    parameters |= {"median": median, "spread": median - measures.quantile(_REFUSED, dim=0) + 1e-6}
    return parameters, float(score(normalise(plain), features, parameters).quantile(_REFUSED))


def _find_log_density(colours: Tensor) -> Tensor:
    """(BINS ** 3,) log of the share of pixels per bin, half of it blurred over the neighbours."""
    counts = torch.zeros(BINS**3)
    for part in colours.split(_AT_ONCE):
        counts += torch.bincount(find_bins(part).flatten(), minlength=BINS**3)
    share = (counts / counts.sum()).view(1, 1, BINS, BINS, BINS)
    share = 0.5 * share + 0.5 * functional.avg_pool3d(share, 3, 1, 1)
    return (share.flatten() + 1e-6).log()


def _fit_gaussian(features: Tensor, width: int) -> dict[str, Tensor]:
    """Mean and inverse covariance, on unit scale mixed with a little identity against singularity."""
    averages = average_map(features, width)  # (N, W)
    scale = averages.std(dim=0) + 1e-4
    covariance = torch.cov((averages / scale).T) + 0.02 * torch.eye(width)
    precision = torch.linalg.inv(covariance) / scale / scale[:, None]
    return {"mean": averages.mean(dim=0), "precision": precision}


def _scale(pixels: Tensor, size_px: int) -> Tensor:
    """uint8 tiles as the tower sees them when a picture is located."""
    size = (size_px, size_px)
    return functional.interpolate(pixels.float() / 255, size=size, mode="bilinear", antialias=True)


def _in_batches(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    parts = zip(*(x.split(_AT_ONCE) for x in inputs), strict=True)
    return torch.cat([function(*part) for part in parts])
