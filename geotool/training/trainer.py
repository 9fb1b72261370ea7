"""One training on features: everything that a step changes, and how to store it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from geotool.core.errors import EmptyResultError
from geotool.model.devices import choose_precision
from geotool.training.checkpoint import (
    check_settings,
    load_optimisers,
    optimiser_tensors,
    read_checkpoint,
    with_prefix,
    without_prefix,
    write_checkpoint,
)
from geotool.training.config import TrainConfig
from geotool.training.constraint import constrain
from geotool.training.contrast import add_gps_noise, contrast, find_cosines, find_false_negatives
from geotool.training.epochs import Epoch, Features, shares, shuffle
from geotool.training.optimisers import build_optimisers, set_rate
from geotool.training.pgeoclip import PGeoClip
from geotool.training.place_queue import PlaceQueue
from geotool.training.processes import Processes
from geotool.training.schedule import find_rate

_STEP_SEEDS = 1_000_003


class Trainer:
    """Learns from (N,) `rows` of `features`, whose places are `latlon_deg` (all rows of the store, 2).

    Epoch and step draw from the seed and their number alone, so what a checkpoint holds is all there is.
    """

    def __init__(
        self,
        config: TrainConfig,
        pair: PGeoClip,
        features: Features,
        rows: np.ndarray,
        latlon_deg: np.ndarray,
        views: int,
        device: str,
        processes: Processes,
    ) -> None:
        torch.set_flush_denormal(True)  # gradients of settled photos are tiny: ten times slower without
        self.config, self.pair, self.device, self.processes = config, pair.to(device), device, processes
        self.features, self.rows = features, torch.from_numpy(rows)
        self.views = views if config.random_views else 1
        self.latlon_deg = torch.from_numpy(latlon_deg.astype(np.float32)).to(device)
        self.optimisers = _build_optimisers(self.pair, config)
        self.queue = self._build_queue()
        self.dtype = _find_dtype(config.precision, device)
        self.batch = config.batch * processes.count
        self.steps_per_epoch = -(-len(rows) // self.batch)
        self.step, self.scores, self.losses = 0, list[float](), list[Tensor]()
        self.best: dict[str, Tensor] = {}

    @property
    def epoch(self) -> int:
        """Epochs that are finished, validation included."""
        return len(self.scores)

    @property
    def rate(self) -> float:
        """Share of the highest learning rate."""
        done = (self.step + 1) / (self.config.epochs * self.steps_per_epoch + 1)
        return find_rate(self.config.schedule, done, self.config.warmup, self.config.epochs)

    def autocast(self) -> torch.autocast:
        return torch.autocast(self.device, self.dtype, enabled=self.dtype != torch.float32)

    def run_epoch(self) -> Iterator[None]:
        """The steps that the current epoch still has, one at a time."""
        order = shuffle(self.rows, self.views, self.config.seed, self.epoch)
        batches = order.batches(self.batch)[self.step - self.epoch * self.steps_per_epoch :]
        own = shares(batches, self.processes)
        for batch, features in zip(batches, self.features.read(own), strict=True):
            self._advance(batch, features)
            yield

    def end_epoch(self, score: float) -> None:
        """Note how good the epoch was and keep the weights of the best. Raises as `check_losses`."""
        _check_finite(torch.stack([value.sum() for value in self.pair.parameters()]), self.step)
        if not self.scores or score > max(self.scores):
            self.best = {name: value.clone() for name, value in self.pair.state_dict().items()}
        self.scores.append(score)

    @property
    def is_over(self) -> bool:
        """All epochs are done, or the last `patience` of them brought nothing."""
        if self.epoch == 0 or self.epoch >= self.config.epochs:
            return self.epoch >= self.config.epochs
        best = self.scores.index(max(self.scores))
        return 0 < self.config.patience <= self.epoch - 1 - best

    def mean_loss(self) -> float | None:
        """Of the steps since it was asked last, None without any. Raises as `check_losses`."""
        self.check_losses()
        if not self.losses:
            return None
        mean = torch.stack(self.losses).mean().item()
        self.losses.clear()
        return mean

    def save(self, folder: Path, settings: dict[str, Any]) -> None:
        """Write a checkpoint, where this process is the one to write."""
        self.check_losses()
        if not self.processes.is_first:
            return
        tensors = {
            **with_prefix("model.", self.pair.state_dict()),
            **with_prefix("best.", self.best),
            **with_prefix("queue.", self.queue.to_tensors()),
            **optimiser_tensors(self.optimisers),
        }
        if self.losses:
            tensors["losses"] = torch.stack(self.losses)
        state = {"step": self.step, "scores": self.scores, "settings": settings}
        write_checkpoint(folder, tensors, state)

    def resume(self, folder: Path, settings: dict[str, Any]) -> bool:
        """Go on from a checkpoint, if there is one. Raises MismatchError for other settings."""
        found = read_checkpoint(folder)
        if found is None:
            return False
        tensors, state = found
        check_settings(state["settings"], settings, folder)
        self.pair.load_state_dict(without_prefix("model.", tensors))
        self.queue.load_tensors(without_prefix("queue.", tensors))
        load_optimisers(self.optimisers, tensors)
        self.best = without_prefix("best.", tensors)
        self.losses = list(tensors["losses"].to(self.device)) if "losses" in tensors else []
        self.step, self.scores = state["step"], state["scores"]
        return True

    def check_losses(self) -> None:
        """Raises EmptyResultError if a loss since the last `mean_loss` is no number."""
        if self.losses:
            _check_finite(torch.stack(self.losses), self.step)

    def _advance(self, batch: Epoch, features: Tensor) -> None:
        set_rate(self.optimisers, self.rate)
        loss = self._find_loss(batch.rows.to(self.device, non_blocking=True), features)
        self.pair.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.sum_gradients(self.pair.parameters())
        for optimiser in self.optimisers:
            optimiser.step()
        self.step += 1

    def _find_loss(self, rows: Tensor, features: Tensor) -> Tensor:
        """The loss of (B,) rows of all processes; `features` (b, F) are this one's part of them."""
        config, count = self.config, len(rows)
        own_deg = self.latlon_deg[rows]
        with self.autocast():
            vectors = self.pair.image_head(features)
            own = self._encode(add_gps_noise(own_deg, config.gps_noise_km, self._generator()))
            others_deg = self.queue.latlon_deg
            others = self.queue.encode(self._encode)
        cosines = find_cosines(self.processes.gather(vectors, count), own, others)
        is_false = find_false_negatives(own_deg, torch.cat([own_deg, others_deg]), config.mask_km)
        loss = contrast(cosines, self.processes.once(self.pair.temperature()), is_false)
        self.queue.push(own_deg, own)
        loss = loss + self._find_constraint(vectors, own_deg)
        self.losses.append(loss.detach())
        return loss

    def _find_constraint(self, vectors: Tensor, own_deg: Tensor) -> Tensor | float:
        """Of this process's (b, D) vectors: the sum over the processes is the mean over the batch."""
        share = self.processes.share(len(own_deg))
        if self.pair.cells is None or len(vectors) == 0:
            return 0.0
        weight = self.config.constraint * len(vectors) / len(own_deg)
        with self.autocast():
            return weight * constrain(self.pair.cells, vectors, own_deg[share])

    def _encode(self, latlon_deg: Tensor) -> Tensor:
        """(P, 2) places -> (P, D); each process encodes its share."""
        own = self.pair.location_encoder(latlon_deg[self.processes.share(len(latlon_deg))])
        return self.processes.gather(own, len(latlon_deg))

    def _build_queue(self) -> PlaceQueue:
        generator = torch.Generator().manual_seed(self.config.seed)
        places = self.latlon_deg[self.rows.to(self.device)]
        return PlaceQueue(places, self.config.queue, self.config.queue_form, generator)

    def _generator(self) -> torch.Generator:
        return torch.Generator(self.device).manual_seed(self.config.seed * _STEP_SEEDS + self.step)


def _check_finite(values: Tensor, step: int) -> None:
    if not values.isfinite().all():
        raise EmptyResultError(
            f"The training came apart: its loss or weights are no numbers any more (step {step}).",
            "Give a lower --lr, or --precision fp32. The last checkpoint is older and sound.",
        )


def _find_dtype(precision: str, device: str) -> torch.dtype:
    if precision == "auto":
        precision = choose_precision(device)
    # fp16 has too short a range for gradients; where it is all there is, nothing is gained.
    return torch.bfloat16 if precision == "bf16" else torch.float32


def _build_optimisers(pair: PGeoClip, config: TrainConfig) -> list[torch.optim.Optimizer]:
    parts = (*pair.image_head.modules(), *pair.location_encoder.modules())
    matrices = [part.weight for part in parts if isinstance(part, nn.Linear)]
    rest = [p for p in pair.parameters() if all(p is not q for q in matrices)]
    muon_lr = config.muon_lr if config.optimiser == "muon" else None
    return build_optimisers(matrices, rest, config.highest_lr, muon_lr, config.weight_decay)
