"""`bench train`: a training step on features, by form of the queue, precision and location encoder.

Features and places are random: the speed does not depend on what is learnt. The shapes are GeoCLIP's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal, get_args

import torch
from torch import Tensor

from geotool.bench.timing import least_seconds
from geotool.core.report import Report, stop_if_asked
from geotool.model.devices import find_device
from geotool.model.image_head import ImageHead
from geotool.model.location_encoder import LocationEncoder, LocationSpec
from geotool.training.contrast import Temperature, contrast, find_cosines, find_false_negatives
from geotool.training.place_queue import Form, PlaceQueue

Precision = Literal["fp32", "bf16"]
WHOLE_STEP, ENCODERS = "whole step", ("plain", "gated")
SEED, MASK_KM, LR = 0, 25.0, 3e-5
EPOCH_ROWS = 4_100_000  # MP-16, the photos GeoCLIP was trained on


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """What a step is about: rows of features, and how many of them and of queued places at a time."""

    rows: int = 65_536
    features: int = 768
    batch: int = 512
    queue: int = 4096
    location: LocationSpec = LocationSpec()


@dataclass(frozen=True, slots=True)
class _Case:
    """One thing that is timed; what it does not depend on is "any"."""

    measure: str
    encoder: str
    queue: str
    precision: Precision
    call: Callable[[], object]

    @property
    def key(self) -> tuple[str, str, str, Precision]:
        return self.measure, self.encoder, self.queue, self.precision


def run_train(device: str, rounds: int, report: Report, shape: Shape) -> list[dict[str, Any]]:
    """Rows of the least milliseconds of a whole step, and of its parts with the plain encoder.

    Ratios are to the same in fp32 and to the same with a queue that is encoded with gradient; `epoch_s`
    is the time of as many photos as MP-16 has.
    """
    place = find_device(device)
    data = _Data(shape, place)
    cases: list[_Case] = []
    for encoder in ENCODERS:
        for form in get_args(Form):
            stop_if_asked(report)
            cases += _list_cases(_Trial(data, encoder, form), is_first=not cases)
    report.event("timing", cases=len(cases), rounds=rounds)
    seconds = least_seconds({str(case.key): case.call for case in cases}, rounds)
    return [_to_row(case, seconds, shape.batch) for case in cases]


def _list_cases(trial: _Trial, is_first: bool) -> Iterator[_Case]:
    encoder, form = trial.encoder, trial.queue.form
    measures: list[tuple[str, str, str, Callable[[Precision], object]]] = [
        (WHOLE_STEP, encoder, form, trial.step)
    ]
    if encoder == ENCODERS[0]:
        measures.append(("location side", encoder, form, trial.run_location_side))
    if is_first:
        measures.append(("image side", "any", "any", trial.run_image_side))
        measures.append(("contrast", "any", "any", trial.run_contrast))
    for name, of_encoder, of_queue, call in measures:
        for precision in get_args(Precision):
            yield _Case(name, of_encoder, of_queue, precision, partial(call, precision))


def _to_row(case: _Case, seconds: Mapping[str, float], batch: int) -> dict[str, Any]:
    own_s = seconds[str(case.key)]
    single_s = seconds[str(dataclasses.replace(case, precision="fp32").key)]
    gradient_s = seconds.get(str(dataclasses.replace(case, queue="gradient").key))
    return {
        "measure": case.measure,
        "encoder": case.encoder,
        "queue": case.queue,
        "precision": case.precision,
        "ms": 1000 * own_s,
        "faster_than_fp32": single_s / own_s,
        "faster_than_gradient": gradient_s and gradient_s / own_s,
        "epoch_s": own_s * EPOCH_ROWS / batch if case.measure == WHOLE_STEP else None,
    }


class _Data:
    """Random features and places, on the device."""

    def __init__(self, shape: Shape, device: str) -> None:
        self.shape, self.device = shape, device
        self.generator = torch.Generator().manual_seed(SEED)
        features = torch.randn(shape.rows, shape.features, generator=self.generator)
        random = 2 * torch.rand(shape.rows, 2, generator=self.generator) - 1
        self.features = features.half().to(device)  # (N, F)
        self.places_deg = (random * torch.tensor([80.0, 180.0])).to(device)  # (N, 2)
        self.vectors = [  # of photos, their places and the queue
            torch.randn(count, shape.location.dim, device=device, requires_grad=count == shape.batch)
            for count in (shape.batch, shape.batch, shape.queue)
        ]

    def draw(self) -> tuple[Tensor, Tensor]:
        """(B, F) features and (B, 2) places of a batch."""
        rows = torch.randint(self.shape.rows, (self.shape.batch,), device=self.device)
        return self.features[rows].float(), self.places_deg[rows]


class _Trial:
    """What a training changes, its step and the parts of it; each is forward and backward."""

    def __init__(self, data: _Data, encoder: str, form: Form) -> None:
        torch.manual_seed(SEED)
        self.data, self.encoder = data, encoder
        shape, device = data.shape, data.device
        spec = dataclasses.replace(shape.location, gate=encoder == "gated")
        self.image_head = ImageHead([shape.features, shape.features, spec.dim]).to(device)
        self.location_encoder = LocationEncoder(spec).to(device)
        self.temperature = Temperature().to(device)
        self.queue = PlaceQueue(data.places_deg, shape.queue, form, data.generator)
        parts = (self.image_head, self.location_encoder, self.temperature)
        self.optimiser = torch.optim.AdamW(
            [weight for part in parts for weight in part.parameters()], lr=LR, fused=True
        )

    def step(self, precision: Precision) -> float:
        """A whole step, as a training makes it; gives its loss."""
        features, own_deg = self.data.draw()
        with self._autocast(precision):
            images, own = self.image_head(features), self.location_encoder(own_deg)
            queued = self.queue.encode(self.location_encoder)
        loss = self._find_loss(images, own, queued, own_deg)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        self.optimiser.step()
        self.queue.push(own_deg, own)
        return loss.item()

    def run_image_side(self, precision: Precision) -> None:
        features, _ = self.data.draw()
        with self._autocast(precision):
            images = self.image_head(features)
        self._finish(images.float().square().sum())

    def run_location_side(self, precision: Precision) -> None:
        _, own_deg = self.data.draw()
        with self._autocast(precision):
            own, queued = self.location_encoder(own_deg), self.queue.encode(self.location_encoder)
        self.queue.push(own_deg, own)
        self._finish(own.square().sum() + queued.square().sum())

    def run_contrast(self, precision: Precision) -> None:
        """Distances, cosines and loss, from vectors that are given."""
        _, own_deg = self.data.draw()
        images, own, queued = self.data.vectors
        with self._autocast(precision):
            loss = self._find_loss(images, own, queued, own_deg)
        self._finish(loss)

    def _find_loss(self, images: Tensor, own: Tensor, queued: Tensor, own_deg: Tensor) -> Tensor:
        places_deg = torch.cat([own_deg, self.queue.latlon_deg])
        is_false = find_false_negatives(own_deg, places_deg, MASK_KM)
        return contrast(find_cosines(images, own, queued), self.temperature(), is_false)

    def _autocast(self, precision: Precision) -> torch.autocast:
        return torch.autocast(self.data.device, torch.bfloat16, enabled=precision == "bf16")

    def _finish(self, loss: Tensor) -> float:
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()
        return loss.item()  # waits for the device
