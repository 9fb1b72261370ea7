"""Places that photos are told from beside those of their batch: real ones from the first step on.

First in, first out, as in MoCo (arXiv 1911.05722). GeoCLIP's queue (arXiv 2309.16020) begins with random
numbers, which are places around 0, 0; here it is drawn from the training's own places.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

import torch
from torch import Tensor

from geotool.core.errors import MismatchError, UsageError

# How a step gets the vectors of the queue: encoded anew with gradient, encoded anew without, or as they
# were when their photos' step encoded them.
Form = Literal["gradient", "frozen", "cached"]


class PlaceQueue:
    """Q places, or all there are if these are fewer, on the device of the (N, 2) `places_deg` they come from.

        vectors = queue.encode(encoder)         (Q, D), of the places queue.latlon_deg (Q, 2)
        queue.push(own_deg, own_vectors)        after the step: the batch's places replace the oldest

    Raises UsageError for an unknown form.
    """

    def __init__(
        self, places_deg: Tensor, size: int, form: Form, generator: torch.Generator | None = None
    ) -> None:
        if form not in get_args(Form):
            raise UsageError(f"A queue has no form {form!r}.", f"Choose from {', '.join(get_args(Form))}.")
        rows = torch.randperm(len(places_deg), generator=generator)[:size]  # on the CPU: the same anywhere
        self.form, self.latlon_deg = form, places_deg[rows.to(places_deg.device)].clone()
        self._vectors: Tensor | None = None  # (Q, D) of the cached form, once they are known
        self._oldest = 0

    def __len__(self) -> int:
        return len(self.latlon_deg)

    def encode(self, encoder: Callable[[Tensor], Tensor]) -> Tensor:
        """(Q, D) vectors of the places; `encoder` takes (Q, 2) degrees. The cached form calls it once."""
        if self.form == "gradient":
            return encoder(self.latlon_deg)
        if self._vectors is not None:
            return self._vectors
        with torch.no_grad():
            vectors = encoder(self.latlon_deg)
        if self.form == "cached":
            self._vectors = vectors
        return vectors

    def push(self, latlon_deg: Tensor, vectors: Tensor) -> None:
        """Put (B, 2) places and their (B, D) vectors of this step in the place of the oldest."""
        if len(self) == 0:
            return
        latlon_deg, vectors = latlon_deg[-len(self) :], vectors[-len(self) :].detach()
        steps = torch.arange(len(latlon_deg), device=self.latlon_deg.device)
        rows = (steps + self._oldest).remainder(len(self))
        self.latlon_deg[rows] = latlon_deg
        if self._vectors is not None:
            self._vectors[rows] = vectors
        self._oldest = (self._oldest + len(rows)) % len(self)

    def to_tensors(self) -> dict[str, Tensor]:
        """A copy of everything a resumed training needs, for its checkpoint."""
        tensors = {"latlon_deg": self.latlon_deg.clone(), "oldest": torch.tensor(self._oldest)}
        return tensors if self._vectors is None else {**tensors, "vectors": self._vectors.clone()}

    def load_tensors(self, tensors: dict[str, Tensor]) -> None:
        """Go on with what `to_tensors` gave. Raises MismatchError where that was another queue."""
        if tensors["latlon_deg"].shape != self.latlon_deg.shape:
            raise MismatchError(
                f"The checkpoint has a queue of {len(tensors['latlon_deg'])} places, not {len(self)}.",
                "Give the same settings to go on.",
            )
        device, vectors = self.latlon_deg.device, tensors.get("vectors")
        self.latlon_deg = tensors["latlon_deg"].to(device, copy=True)
        self._vectors = None if vectors is None else vectors.to(device, copy=True)
        self._oldest = int(tensors["oldest"])
