"""The loss against plain Python and PyTorch, false negatives and noise against geopy."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from geopy.distance import great_circle
from torch.nn.functional import cross_entropy, normalize

from geotool.training.contrast import (
    Temperature,
    add_gps_noise,
    contrast,
    find_cosines,
    find_false_negatives,
)

B, Q, D = 6, 9, 5


def draw(*shape: int, seed: int = 0) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def draw_places(count: int, seed: int = 0) -> torch.Tensor:
    """Some tens of kilometres around the crossing of antimeridian and 60 degrees."""
    moved = draw(count, 2, seed=seed) * 0.3 + torch.tensor([60.0, 180.0])
    return torch.stack([moved[:, 0], (moved[:, 1] + 180) % 360 - 180], dim=1)


def compute_loss(cosines: list[list[float]], scale: float, is_false: list[list[bool]]) -> float:
    """Both directions, number by number."""
    count, total = len(cosines), 0.0
    for i in range(count):
        rivals = [math.exp(scale * c) for c, out in zip(cosines[i], is_false[i], strict=True) if not out]
        total -= math.log(math.exp(scale * cosines[i][i]) / sum(rivals))
        rivals = [math.exp(scale * cosines[j][i]) for j in range(count) if not is_false[j][i]]
        total -= math.log(math.exp(scale * cosines[i][i]) / sum(rivals))
    return total / (2 * count)


def test_the_loss_equals_plain_python() -> None:
    places_deg = draw_places(B + Q)
    images, own, queue = draw(B, D, seed=1), draw(B, D, seed=2), draw(Q, D, seed=3)
    is_false = find_false_negatives(places_deg[:B], places_deg, 30)
    assert 0 < is_false.sum() < B * (B + Q) / 2
    unit, places = normalize(images, dim=1), normalize(torch.cat([own, queue]), dim=1)
    expected = compute_loss((unit @ places.T).tolist(), 39.7, is_false.tolist())
    found = contrast(find_cosines(images, own, queue), torch.tensor(39.7), is_false)
    assert found.item() == pytest.approx(expected, abs=1e-6)


def test_without_false_negatives_it_is_cross_entropy_both_ways() -> None:
    cosines = torch.tanh(draw(B, B + Q))
    found = contrast(cosines, torch.tensor(20.0), torch.zeros(B, B + Q, dtype=torch.bool))
    own = torch.arange(B)
    expected = (cross_entropy(20 * cosines, own) + cross_entropy(20 * cosines[:, :B].T, own)) / 2
    assert found.item() == pytest.approx(expected.item(), abs=1e-9)


def test_a_false_negative_pushes_nothing_away() -> None:
    cosines = torch.tanh(draw(B, B + Q)).requires_grad_()
    is_false = torch.zeros(B, B + Q, dtype=torch.bool)
    is_false[0, 1] = is_false[1, 0] = is_false[2, B + 3] = True
    contrast(cosines, torch.tensor(20.0), is_false).backward()
    assert (cosines.grad[is_false] == 0).all() and (cosines.grad[~is_false] != 0).all()


def test_a_batch_in_one_place_still_has_a_loss() -> None:
    places_deg = torch.tensor([[10.0, 20.0]]).expand(B, 2)
    is_false = find_false_negatives(places_deg, places_deg, 1)
    cosines = torch.tanh(draw(B, B)).requires_grad_()
    loss = contrast(cosines, torch.tensor(20.0), is_false)
    loss.backward()
    assert loss.item() == 0 and cosines.grad.isfinite().all()


def test_gradients_are_those_of_finite_differences() -> None:
    is_false = find_false_negatives(draw_places(3), draw_places(7), 20)
    images, own, queue = (draw(n, 4, seed=n).requires_grad_() for n in (3, 30, 4))

    def loss(
        images: torch.Tensor, own: torch.Tensor, queue: torch.Tensor, scale: torch.Tensor
    ) -> torch.Tensor:
        return contrast(find_cosines(images, own[:3], queue), scale, is_false)

    scale = torch.tensor(5.0, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(loss, (images, own, queue, scale))


def test_cosines_are_of_single_precision_under_autocast() -> None:
    vectors = [draw(n, 256, seed=n).float() for n in (B, B + 1, Q)]
    vectors[1] = vectors[1][:B]
    exact = find_cosines(*(v.double() for v in vectors))
    with torch.autocast("cpu", torch.bfloat16):
        found = find_cosines(*vectors)
        of_half = find_cosines(*(v.bfloat16() for v in vectors))
    assert found.dtype == of_half.dtype == torch.float32
    assert (found - exact).abs().max() < 1e-6


def test_a_queue_may_be_empty() -> None:
    assert find_cosines(draw(B, D), draw(B, D), draw(0, D)).shape == (B, B)


@pytest.mark.parametrize("mask_km", [0.1, 1, 25, 500, 30_000])
def test_false_negatives_are_geopys(mask_km: float) -> None:
    spread = (draw(40, 2) * 10 ** (-5 + 5 * torch.rand(40, 1).double())).cumsum(0)  # metres to hundreds of km
    places = torch.cat([draw_places(20), torch.tensor([[60.0, 180.0]]) + spread]).float()
    places[:, 1] = (places[:, 1] + 180) % 360 - 180
    own = places[:50]
    distances = np.array([[great_circle(a, b).km for b in places.tolist()] for a in own.tolist()])
    expected = distances < mask_km
    np.fill_diagonal(expected, False)
    unclear = abs(distances - mask_km) < 0.003  # single precision of degrees is worth two metres
    found = find_false_negatives(own, places, mask_km).numpy()
    assert (found == expected)[~unclear].all() and expected.any() and unclear.sum() < 5


def test_with_0_km_not_even_the_same_place_is_left_out() -> None:
    places = torch.tensor([[10.0, 20.0], [10.0, 20.0], [50.0, 60.0]])
    assert not find_false_negatives(places, places, 0).any()
    assert find_false_negatives(places, places, 0.01).sum() == 2


def test_the_temperature_starts_at_geoclips_and_stays_in_bounds() -> None:
    temperature = Temperature()
    assert temperature().item() == pytest.approx(39.7, abs=0.05)
    with torch.no_grad():
        temperature.log_scale.fill_(9.0)
    assert temperature().item() == pytest.approx(100)
    (-temperature()).backward()
    assert temperature.log_scale.grad != 0  # at the bound it can still come back
    with torch.no_grad():
        temperature.log_scale.fill_(-3.0)
    assert temperature().item() == pytest.approx(1)


@pytest.mark.parametrize("lat", [0.0, -48.0, 89.0])
def test_noise_is_as_wide_as_asked_in_every_direction(lat: float) -> None:
    generator = torch.Generator().manual_seed(0)
    start = (lat, 179.9995)
    moved = add_gps_noise(torch.tensor([start]).double().expand(3000, 2), 0.15, generator).tolist()
    km = np.array([great_circle(start, place).km for place in moved])
    assert np.sqrt((km**2).mean() / 2) == pytest.approx(0.15, rel=0.05)
    north = np.array([place[0] for place in moved]) > lat
    east = np.array([(place[1] - start[1] + 180) % 360 - 180 for place in moved]) > 0
    assert all(0.21 < share < 0.29 for share in ((north & east).mean(), (north & ~east).mean()))
    assert all(abs(place[0]) <= 90 and abs(place[1]) <= 180 for place in moved)


def test_noise_is_repeatable_and_none_means_none() -> None:
    places = draw_places(5).float()
    once, again = (add_gps_noise(places, 1.0, torch.Generator().manual_seed(7)) for _ in range(2))
    assert torch.equal(once, again) and not torch.equal(once, places)
    assert add_gps_noise(places, 0) is places
