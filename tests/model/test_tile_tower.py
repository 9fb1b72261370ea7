"""The tile tower and its input."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from geotool.model.tile_tower import TileTower, denormalise, normalise, preprocess

SPEC = {"kind": "tile", "size_px": 32}


def tiny_tower() -> TileTower:
    torch.manual_seed(0)
    return TileTower(widths=[4, 8, 16], blocks=[1, 2], grid=2, features=12)


def test_shapes_at_every_input_size():
    for size_px in (32, 48, 64, 80):
        assert tiny_tower().eval()(torch.zeros(3, 3, size_px, size_px)).shape == (3, 12)


@pytest.mark.parametrize("size_px", [32, 48, 64])
def test_quarter_turns_of_a_tile_have_the_same_features_and_other_tiles_do_not(size_px):
    tower, tile = tiny_tower().eval(), torch.randn(1, 3, size_px, size_px)
    for turn in (1, 2, 3):
        assert torch.allclose(tower(tile), tower(tile.rot90(turn, (2, 3))), atol=1e-5)
    assert not torch.allclose(tower(tile), tower(tile.flip(3)), atol=1e-3)
    assert not torch.allclose(tower(tile), tower(tile.roll(8, 2)), atol=1e-3)


def test_a_turned_tile_teaches_the_same():
    def gradients(pixels):
        tower = tiny_tower().double().train()
        (tower(pixels) * torch.arange(12)).square().sum().backward()
        return torch.cat([weight.grad.flatten() for weight in tower.parameters()])

    tiles = torch.randn(6, 3, 32, 32, dtype=torch.float64)
    assert torch.allclose(gradients(tiles), gradients(tiles.rot90(1, (2, 3))), rtol=1e-6, atol=1e-8)


def test_pixels_are_a_normalised_square_of_the_middle():
    pixels = np.zeros((60, 200, 3), dtype=np.uint8)
    pixels[:, 66:134] = (255, 0, 0)  # a little wider: the filter looks over the edge
    tensor = preprocess(Image.fromarray(pixels), SPEC)
    assert tensor.shape == (3, 32, 32) and tensor.dtype == torch.float32
    colours = denormalise(tensor)
    assert torch.allclose(colours[0], torch.ones(32, 32), atol=1e-5)
    assert torch.allclose(colours[1:], torch.zeros(2, 32, 32), atol=1e-5)


def test_every_size_of_picture_works():
    for size in ((1, 1), (1, 300), (4000, 30), (3000, 2000)):
        assert preprocess(Image.new("RGB", size, "green"), SPEC).shape == (3, 32, 32)


def test_normalising_is_undone():
    values = torch.rand(2, 3, 4, 4)
    assert torch.allclose(denormalise(normalise(values)), values, atol=1e-6)
