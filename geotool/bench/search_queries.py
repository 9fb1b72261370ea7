"""The queries of `bench search`: four kinds, none of them used to choose a beam."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from geotool.gallery.tuning import COSINE, LocationModel, make_queries, move
from geotool.model import geoclip_package
from geotool.model.image_head import ImageHead

KINDS = ("near", "random", "inverted", "mixed")
PHOTO_LIKE = ("near", "inverted", "mixed")  # what has to agree; "random" is a stress test
QUERIES, SEED = 256, 30  # another seed than the one that beams are chosen with
_NEAR_KM = (1.0, 50.0)
_FEATURE_NORM = 15.0  # of features that a head is asked with
_STEPS, _STEP_SIZE = 200, 0.03


def load_image_head() -> ImageHead:
    """GeoCLIP's image head: the map from CLIP's features into the space of places."""
    tensors = geoclip_package.read_image_head()
    weights = [tensor for name, tensor in tensors.items() if name.endswith("weight")]
    head = ImageHead([weights[0].shape[1], *(len(weight) for weight in weights)])
    head.load_state_dict(tensors)
    return head.requires_grad_(False)


def make_all_queries(model: LocationModel, head: ImageHead, latlon_deg: np.ndarray) -> dict[str, np.ndarray]:
    """(Q, D) float32 unit queries of each of KINDS over a gallery of these points.

    "near" and "mixed" are those of `make_queries`; "random" is what the image head makes of random
    features; "inverted" are features fitted until the head places them near a place, as a photo of
    that place would be.
    """
    rng = np.random.default_rng(SEED)
    start_deg = latlon_deg[rng.integers(len(latlon_deg), size=QUERIES)]
    places = model.encode_locations(move(start_deg, _NEAR_KM, rng))  # (Q, D)
    queries = make_queries(model, latlon_deg, QUERIES, SEED)
    queries["random"] = _apply(head, _random_features(head, QUERIES, rng))
    queries["inverted"] = invert(head, places, rng)
    return {kind: queries[kind] for kind in KINDS}


def invert(head: ImageHead, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """(Q, D) outputs of the head with cosines drawn from COSINE, or just above, to the (Q, D) places.

    Adam moves random features until their output is as near to the place as wanted, and no further.
    """
    features = _random_features(head, len(places), rng).requires_grad_()
    wanted = torch.from_numpy(rng.uniform(*COSINE, size=len(places))).float()  # (Q,)
    targets, optimizer = torch.from_numpy(places).float(), torch.optim.Adam([features], _STEP_SIZE)
    for _ in range(_STEPS):
        cosines = functional.cosine_similarity(head(features), targets, dim=1)
        is_far = cosines < wanted
        if not is_far.any():
            break
        before = features.detach().clone()
        optimizer.zero_grad()
        (-cosines[is_far]).sum().backward()
        optimizer.step()
        features.data = torch.where(is_far[:, None], features.data, before)
    return _apply(head, features)


def _random_features(head: ImageHead, count: int, rng: np.random.Generator) -> Tensor:
    width = next(head.parameters()).shape[1]
    directions = torch.from_numpy(rng.normal(size=(count, width))).float()
    return functional.normalize(directions, dim=1) * _FEATURE_NORM


@torch.no_grad()
def _apply(head: ImageHead, features: Tensor) -> np.ndarray:
    return functional.normalize(head(features), dim=1).numpy()
