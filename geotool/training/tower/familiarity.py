"""Learn from the training tiles what a familiar picture looks like."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from geotool.model.familiarity import (
    BINS,
    ODD_SHARE,
    add_cosine,
    find_bins,
    measure_colours,
    measure_features,
    score,
)
from geotool.model.tile_tower import normalise
from geotool.training.tower.augment import Augmenter
from geotool.training.tower.tile_set import TileSet
from geotool.training.tower.trainer import Pair

_TILES = 6000  # enough for the covariance of some hundred features
_AT_ONCE = 500
_REFUSED = 0.015  # share of them below the threshold, by all measures together
_VARIED = 0.6  # weight of the colours of other seasons beside those of the tiles as they are
_PLACES_AT_ONCE = 1024  # places encoded at a time


@torch.inference_mode()
def fit_familiarity(
    pair: Pair, tiles: TileSet, gallery_deg: np.ndarray, size_px: int, seed: int
) -> tuple[dict[str, Tensor], float]:
    """The parameters of geotool.model.familiarity, and the threshold.

    `gallery_deg` (N, 2) are the places the model answers with. Colours and features are those of the
    tiles as they are and in other seasons, which are to pass as well; what is usual is measured on
    the tiles as they are. The threshold lets all but _REFUSED of these pass.
    """
    torch.manual_seed(seed)
    rows = torch.randperm(len(tiles))[:_TILES]
    plain = _in_batches(lambda pixels: _scale(pixels, size_px), tiles.pixels[rows])
    varied = _in_batches(Augmenter(size_px), tiles.pixels[rows], tiles.latlon_deg[rows, 0])
    features, others = (_in_batches(pair.image_tower, normalise(x)) for x in (plain, varied))
    parameters = _fit_gaussian(torch.cat([features, others]))
    parameters["colours"] = _find_log_density(plain, varied)
    cosines = _find_best_cosines(pair, features, gallery_deg)
    measures = torch.stack([
        *measure_colours(plain, parameters["colours"]),
        measure_features(features, parameters["mean"], parameters["precision"]),
        cosines,
    ], dim=1)  # (N, 4)  # fmt: skip
    median = measures.median(dim=0).values
    parameters |= {"median": median, "spread": median - measures.quantile(ODD_SHARE, dim=0) + 1e-6}
    scores = add_cosine(score(normalise(plain), features, parameters), cosines, parameters)
    return parameters, float(scores.quantile(_REFUSED))


def _find_best_cosines(pair: Pair, features: Tensor, gallery_deg: np.ndarray) -> Tensor:
    """(B,) cosine of each picture with the place that fits it best."""
    points = torch.from_numpy(gallery_deg.astype(np.float32)).split(_PLACES_AT_ONCE)
    places = torch.cat(
        [functional.normalize(pair.location_encoder(part), dim=1) for part in points]
    )  # (N, D)
    images = functional.normalize(pair.image_head(features), dim=1)  # (B, D)
    return _in_batches(lambda part: (part @ places.T).amax(dim=1), images)


def _find_log_density(plain: Tensor, varied: Tensor) -> Tensor:
    """(BINS ** 3,) log of the share of pixels per bin, half of it blurred over the neighbours."""
    share = (1 - _VARIED) * _count_colours(plain) + _VARIED * _count_colours(varied)
    share = share.view(1, 1, BINS, BINS, BINS)
    share = 0.5 * share + 0.5 * functional.avg_pool3d(share, 3, 1, 1)
    return (share.flatten() + 1e-6).log()


def _count_colours(colours: Tensor) -> Tensor:
    """(BINS ** 3,) share of the pixels in each bin."""
    counts = torch.zeros(BINS**3)
    for part in colours.split(_AT_ONCE):
        counts += torch.bincount(find_bins(part).flatten(), minlength=BINS**3)
    return counts / counts.sum()


def _fit_gaussian(features: Tensor) -> dict[str, Tensor]:
    """Mean and inverse covariance, on unit scale mixed with a little identity against singularity."""
    scale = features.std(dim=0) + 1e-4  # (F,)
    covariance = torch.cov((features / scale).T) + 0.02 * torch.eye(len(scale))
    precision = torch.linalg.inv(covariance) / scale / scale[:, None]
    return {"mean": features.mean(dim=0), "precision": precision}


def _scale(pixels: Tensor, size_px: int) -> Tensor:
    """uint8 tiles as the tower sees them when a picture is located."""
    size = (size_px, size_px)
    return functional.interpolate(pixels.float() / 255, size=size, mode="bilinear", antialias=True)


def _in_batches(function: Callable[..., Tensor], *inputs: Tensor) -> Tensor:
    parts = zip(*(x.split(_AT_ONCE) for x in inputs), strict=True)
    return torch.cat([function(*part) for part in parts])
