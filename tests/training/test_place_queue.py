"""The queue holds real places from the start, in three forms, and continues as if never stopped."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from geotool.core.errors import MismatchError, UsageError
from geotool.core.sphere import haversine_km
from geotool.model.location_encoder import LocationEncoder, LocationSpec
from geotool.training.contrast import Temperature, contrast, find_cosines, find_false_negatives
from geotool.training.place_queue import Form, PlaceQueue

FORMS: tuple[Form, ...] = ("gradient", "frozen", "cached")
SPEC = LocationSpec(sigmas=(1.0, 4.0), frequencies=6, hidden=16, dim=5)


def places_away_from_zero(count: int) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.rand(count, 2, generator=generator) * 40 + torch.tensor([30.0, 60.0])


def queue_of(form: Form, size: int = 8, count: int = 50) -> PlaceQueue:
    return PlaceQueue(places_away_from_zero(count), size, form, torch.Generator().manual_seed(1))


@pytest.fixture
def encoder() -> LocationEncoder:
    torch.manual_seed(0)
    return LocationEncoder(SPEC)


@pytest.mark.parametrize("form", FORMS)
def test_it_begins_with_places_of_the_training_and_none_near_0_0(form: Form) -> None:
    queue = queue_of(form, size=20)
    places = {tuple(place) for place in places_away_from_zero(50).tolist()}
    drawn = [tuple(place) for place in queue.latlon_deg.tolist()]
    assert set(drawn) <= places and len(set(drawn)) == len(queue) == 20
    assert haversine_km(queue.latlon_deg.numpy(), np.zeros(2)).min() > 3000


def test_the_draw_is_that_of_its_generator() -> None:
    assert torch.equal(queue_of("frozen").latlon_deg, queue_of("frozen").latlon_deg)
    other = PlaceQueue(places_away_from_zero(50), 8, "frozen", torch.Generator().manual_seed(2))
    assert not torch.equal(queue_of("frozen").latlon_deg, other.latlon_deg)


@pytest.mark.parametrize("form", FORMS)
def test_a_first_encoding_is_the_encoders(form: Form, encoder: LocationEncoder) -> None:
    queue = queue_of(form)
    vectors = queue.encode(encoder)
    assert torch.equal(vectors, encoder(queue.latlon_deg))
    assert vectors.requires_grad == (form == "gradient")


@pytest.mark.parametrize(("form", "calls"), [("gradient", 3), ("frozen", 3), ("cached", 1)])
def test_only_the_cached_form_encodes_once(form: Form, calls: int) -> None:
    class Counting(nn.Module):
        calls = 0

        def forward(self, latlon_deg: Tensor) -> Tensor:
            self.calls += 1
            return latlon_deg * self.calls

    queue, encoder = queue_of(form), Counting()
    for _ in range(3):
        queue.encode(encoder)
        queue.push(places_away_from_zero(2), places_away_from_zero(2))
    assert encoder.calls == calls


@pytest.mark.parametrize("form", FORMS)
def test_the_oldest_leave_first(form: Form, encoder: LocationEncoder) -> None:
    queue = queue_of(form, size=8)
    queue.encode(encoder)
    expected = queue.latlon_deg.tolist()
    for start in range(5):  # 15 places through 8
        batch = torch.full((3, 2), float(start)) + torch.arange(3.0)[:, None] / 10
        queue.push(batch, encoder(batch))
        expected = [*expected, *batch.tolist()][-8:]
    assert sorted(queue.latlon_deg.tolist()) == sorted(expected)


def test_a_batch_larger_than_the_queue_leaves_its_last(encoder: LocationEncoder) -> None:
    queue, batch = queue_of("cached", size=8), places_away_from_zero(20)
    queue.encode(encoder)
    queue.push(batch, encoder(batch))
    assert torch.equal(queue.latlon_deg, batch[-8:])
    assert torch.allclose(queue.encode(encoder), encoder(batch[-8:]), atol=1e-6)


def test_cached_vectors_are_those_of_their_own_step(encoder: LocationEncoder) -> None:
    queue, batch = queue_of("cached"), torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    queue.encode(encoder)
    then = encoder(batch).detach()
    queue.push(batch, encoder(batch))
    with torch.no_grad():
        encoder.capsules[0].head.bias.add_(1.0)
    rows = [queue.latlon_deg.tolist().index(place) for place in batch.tolist()]
    vectors = queue.encode(encoder)
    assert torch.equal(vectors[rows], then) and not vectors.requires_grad


@pytest.mark.parametrize("form", FORMS)
def test_the_batchs_places_learn_under_autocast(form: Form, encoder: LocationEncoder) -> None:
    """PyTorch once kept weights cast without gradient for the pass that needed them with one."""
    queue, batch = queue_of(form), places_away_from_zero(4)
    with torch.autocast("cpu", torch.bfloat16):
        others = queue.encode(encoder)
        own = encoder(batch)
    contrast(
        find_cosines(torch.randn(4, 5), own, others), torch.tensor(10.0), torch.zeros(4, 12) > 0
    ).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in encoder.parameters())


@pytest.mark.parametrize("form", FORMS)
def test_all_forms_give_the_same_first_loss(form: Form, encoder: LocationEncoder) -> None:
    assert step_losses(queue_of(form), encoder, 1) == pytest.approx(
        step_losses(queue_of("gradient"), encoder, 1), abs=1e-6
    )


@pytest.mark.parametrize("form", FORMS)
def test_a_resumed_queue_gives_the_same_losses(form: Form) -> None:
    whole, first = queue_of(form), queue_of(form)
    torch.manual_seed(0)
    one, two = LocationEncoder(SPEC), LocationEncoder(SPEC)
    two.load_state_dict(one.state_dict())
    expected = step_losses(whole, one, 3, seed=1) + step_losses(whole, one, 3, seed=2)
    found = step_losses(first, two, 3, seed=1)
    stored = first.to_tensors()
    step_losses(first, LocationEncoder(SPEC), 1)  # the copy does not follow the queue
    resumed = PlaceQueue(places_away_from_zero(50), 8, form)
    resumed.load_tensors(stored)
    assert found + step_losses(resumed, two, 3, seed=2) == expected


def step_losses(queue: PlaceQueue, encoder: LocationEncoder, steps: int, seed: int = 0) -> list[float]:
    """Losses of steps that change the encoder, with photos drawn at random."""
    generator, losses = torch.Generator().manual_seed(seed), []
    optimiser = torch.optim.SGD(encoder.parameters(), lr=0.0 if steps == 1 else 0.1)
    for _ in range(steps):
        batch = places_away_from_zero(50)[torch.randperm(50, generator=generator)[:3]]
        own, images = encoder(batch), torch.randn(3, 5, generator=generator)
        is_false = find_false_negatives(batch, torch.cat([batch, queue.latlon_deg]), 1)
        loss = contrast(find_cosines(images, own, queue.encode(encoder)), Temperature()(), is_false)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        queue.push(batch, own)
        losses.append(loss.item())
    return losses


def test_a_queue_is_no_larger_than_the_training_and_may_be_empty(encoder: LocationEncoder) -> None:
    assert len(PlaceQueue(places_away_from_zero(5), 8, "cached")) == 5
    empty = PlaceQueue(places_away_from_zero(5), 0, "cached")
    assert empty.encode(encoder).shape == (0, 5)
    empty.push(places_away_from_zero(2), encoder(places_away_from_zero(2)))
    assert len(empty) == 0


def test_what_cannot_be_meant_is_refused() -> None:
    with pytest.raises(UsageError, match="stale"):
        PlaceQueue(places_away_from_zero(5), 3, "stale")  # type: ignore[arg-type]
    with pytest.raises(MismatchError, match="8 places"):
        queue_of("frozen", size=9).load_tensors(queue_of("frozen", size=8).to_tensors())


@pytest.mark.parametrize("form", FORMS)
def test_a_push_before_the_backward_pass_changes_no_gradient(form: Form, encoder: LocationEncoder) -> None:
    def find_gradients(push_first: bool) -> list[Tensor]:
        queue, batch = queue_of(form), places_away_from_zero(4)
        images = torch.randn(4, 5, generator=torch.Generator().manual_seed(0), requires_grad=True)
        own, others = encoder(batch), queue.encode(encoder)
        loss = contrast(find_cosines(images, own, others), torch.tensor(10.0), torch.zeros(4, 12) > 0)
        if push_first:
            queue.push(batch, own)
        return list(torch.autograd.grad(loss, [images, *encoder.parameters()]))

    for after, before in zip(find_gradients(False), find_gradients(True), strict=True):
        assert torch.equal(after, before)
