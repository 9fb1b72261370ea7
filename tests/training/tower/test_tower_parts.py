"""Augmentation keeps the middle, the loss prefers the truth, Muon's updates are orthogonal."""

from __future__ import annotations

import torch

from geotool.core.sphere import haversine_km
from geotool.training.muon import orthogonalise
from geotool.training.tower.augment import Augmenter, find_sea, turn_and_scale
from geotool.training.tower.loss import draw_negatives, soft_contrast


def test_turning_and_scaling_keep_the_middle():
    torch.manual_seed(0)
    tile = torch.zeros(20, 3, 33, 33)
    tile[:, :, 15:18, 15:18] = 1
    assert (turn_and_scale(tile, 33)[:, :, 16, 16] > 0.9).all()


def test_augmented_tiles_are_colours_of_the_wanted_size():
    torch.manual_seed(0)
    tiles = torch.randint(0, 256, (24, 3, 48, 48), dtype=torch.uint8)
    out = Augmenter(32)(tiles, torch.linspace(-60, 80, 24))
    assert out.shape == (24, 3, 32, 32) and out.min() >= 0 and out.max() <= 1


def test_snow_falls_on_land_and_not_on_the_sea():
    torch.manual_seed(0)
    sea = torch.tensor([0.05, 0.2, 0.5]).view(1, 3, 1, 1).expand(50, 3, 32, 32).clone()
    land = torch.tensor([0.3, 0.25, 0.15]).view(1, 3, 1, 1).expand(50, 3, 32, 32).clone()
    augmenter, north = Augmenter(32), torch.full((50,), 65.0)
    assert torch.equal(augmenter.add_snow(sea, find_sea(sea), north), sea)
    assert augmenter.add_snow(land, find_sea(land), north).mean() > land.mean() + 0.05


def test_the_loss_prefers_the_true_place_and_forgives_a_neighbour():
    batch = torch.tensor([[10.0, 10.0], [50.0, 60.0]])
    places = torch.cat([batch, torch.tensor([[10.1, 10.1], [-30.0, 100.0]])])  # a neighbour, a far one
    scale = torch.tensor(10.0)

    def loss(cosines):
        return soft_contrast(torch.tensor(cosines), scale, batch, places, softness_km=30.0).item()

    right = loss([[1.0, 0, 0, 0], [0, 1.0, 0, 0]])
    neighbour = loss([[1.0, 0, 1.0, 0], [0, 1.0, 0, 0]])
    wrong = loss([[1.0, 0, 0, 1.0], [0, 1.0, 0, 0]])
    assert neighbour < right < wrong


def test_half_of_the_negatives_lie_near_the_batch():
    torch.manual_seed(0)
    batch, others = torch.tensor([[0.0, 179.9]]), torch.tensor([[60.0, 20.0]])
    negatives = draw_negatives(others, batch, 200)
    distance = haversine_km(negatives.numpy(), batch.numpy())
    assert negatives.shape == (200, 2)
    assert (distance[:100] < 4000).all() and (distance[100:] > 6000).all()


def test_orthogonalised_matrices_have_singular_values_near_one():
    torch.manual_seed(0)
    for shape in ((16, 64), (64, 16)):
        values = torch.linalg.svdvals(orthogonalise(torch.randn(shape)))
        assert values.min() > 0.5 and values.max() < 1.4
