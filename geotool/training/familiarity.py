"""What a model knows as familiar, taken over from the model whose image tower it sees with."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from geotool.model.familiarity import ODD_SHARE, add_cosine, measure_features

_ENOUGH = 50  # pictures: with fewer the oddest fiftieth is not known
_UNLIKE = 0.2  # share of odd rows from which the training's pictures are of another kind
Familiarity = tuple[dict[str, Tensor], float]  # the parameters and the threshold


def carry_familiarity(
    parameters: Mapping[str, Tensor], threshold: float, features: Tensor, cosines: Tensor
) -> Familiarity | None:
    """The source's familiarity with the measure that the new heads change, the best cosine, fitted anew.

    Colours and features of the tower are what they were, and each measure counts in units of its own
    spread, so the threshold stays. `features` (n, F) are of pictures that the heads have not learnt from,
    `cosines` (n,) with their best places. None where these pictures are few, or odd to the source: then it
    cannot tell for them what is usual.
    """
    if len(cosines) < _ENOUGH:
        return None
    kept = {name: value.float() for name, value in parameters.items()}
    middle = cosines.median()
    kept["median"], kept["spread"] = kept["median"].clone(), kept["spread"].clone()
    kept["median"][3], kept["spread"][3] = middle, middle - cosines.quantile(ODD_SHARE) + 1e-6
    distance = measure_features(features, kept["mean"], kept["precision"])  # (n,)
    oddness = ((kept["median"][2] - distance) / kept["spread"][2]).clamp(min=0)
    is_odd = add_cosine(-oddness, cosines, kept) < threshold
    return None if is_odd.float().mean() > _UNLIKE else (kept, threshold)
