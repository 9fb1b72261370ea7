"""The tile tower and its input."""

from __future__ import annotations

import numpy as np
import torch
from PIL import Image

from geotool.model.tile_tower import TileTower, denormalise, normalise, preprocess

SPEC = {"kind": "tile", "size_px": 32}


def test_shapes_at_every_input_size():
    tower = TileTower(widths=[4, 8, 16], blocks=[1, 2], grid=2).eval()
    for size_px in (32, 64, 80):
        assert tower(torch.zeros(3, 3, size_px, size_px)).shape == (3, 16 * 2 * 2)


def test_quarter_turns_of_a_tile_have_the_same_features():
    torch.manual_seed(0)
    tower, tile = TileTower(widths=[4, 8, 16], blocks=[1, 1], grid=2).eval(), torch.randn(1, 3, 32, 32)
    assert torch.allclose(tower(tile), tower(tile.rot90(1, (2, 3))), atol=1e-5)


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
