"""What runs on the nodes of a Ray cluster: the shelf of runs, and the two stages as Ray Data calls them."""

from __future__ import annotations

import asyncio
import dataclasses
import math
import os
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from geotool.core.errors import MismatchError
from geotool.core.paths import HOME_VARIABLE
from geotool.features.decode import Decoder
from geotool.features.entries import Entry
from geotool.features.stages import Decoded, Embedder, Outcome, decode_entries
from geotool.model.geomodel import GeoModel, load_model


class Shelf:
    """An actor with the runs that are being worked on, by number. Who comes for one too early waits."""

    def __init__(self) -> None:
        self._runs: dict[int, list[Entry]] = {}
        self._first, self._end = 0, math.inf
        self._changed = asyncio.Condition()

    async def put(self, number: int, run: list[Entry]) -> None:
        async with self._changed:
            self._runs[number] = run
            self._changed.notify_all()

    async def end_at(self, number: int) -> None:
        """There is no run of that number, and none after it."""
        async with self._changed:
            self._end = number
            self._changed.notify_all()

    async def drop_before(self, number: int) -> None:
        """Forget the runs whose blocks have arrived."""
        for done in range(self._first, number):
            self._runs.pop(done, None)
        self._first = number

    async def get(self, number: int) -> list[Entry]:
        """The run; an empty one where nobody needs it any more, or there is none."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: number in self._runs or not self._first <= number < self._end
            )
        return self._runs.get(number, [])


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What every node has to know. Models are looked for in `home`, a path that is good on all nodes."""

    shelf: Any  # handle of the Shelf actor
    model: str
    fingerprint: str
    preprocessing: dict[str, Any]
    home: str
    device: str
    views: int

    def load_model(self) -> GeoModel:
        """Raises NotFoundError, and MismatchError where this node has another model of that name."""
        os.environ[HOME_VARIABLE] = self.home
        model = load_model(self.model, self.device)
        if model.fingerprint != self.fingerprint:
            raise MismatchError(
                f"A node has the model {self.model} with fingerprint {model.fingerprint}, the driver with "
                f"{self.fingerprint}.",
                "Give all nodes the same checkpoints folder.",
            )
        return model

    def decode(self, row: dict[str, Any]) -> list[Outcome]:
        """The photos of the run that a row of Ray Data stands for, decoded on this node."""
        import ray

        run = ray.get(self.shelf.get.remote(int(row["number"])))
        return decode_entries(run, Decoder(self.preprocessing, self.views))


def decode_run(row: dict[str, Any], work: Work) -> dict[str, Any]:
    """{"number"} -> {"outcomes", "levels"}: pixels apart from the rest, as one array that nodes can share."""
    outcomes = work.decode(row)
    size_px = work.preprocessing["size_px"]
    levels = np.zeros((len(outcomes), work.views, 3, size_px, size_px), np.uint8)
    for i, outcome in enumerate(outcomes):
        if isinstance(outcome, Decoded):
            levels[i] = outcome.levels
            outcomes[i] = dataclasses.replace(outcome, levels=torch.empty(0))
    return {"outcomes": outcomes, "levels": levels}


class EmbedRun:
    """An actor with the image tower: what `decode_run` gives -> {"block"}."""

    def __init__(self, work: Work) -> None:
        self._embedder = Embedder(work.load_model(), work.views)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        outcomes: list[Outcome] = row["outcomes"]
        levels = torch.tensor(row["levels"])  # a copy: Ray's memory must not be written to
        for i, outcome in enumerate(outcomes):
            if isinstance(outcome, Decoded):
                outcomes[i] = dataclasses.replace(outcome, levels=levels[i])
        return {"block": self._embedder.embed(outcomes)}


class DecodeAndEmbedRun:
    """Both stages in one actor, where no GPU is: {"number"} -> {"block"}."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._embedder = Embedder(work.load_model(), work.views)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        return {"block": self._embedder.embed(self._work.decode(row))}
