"""Familiarity: what is like the training tiles passes, the rest does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from geotool.core import paths
from geotool.model.familiarity import score
from geotool.model.tile_tower import normalise
from geotool.training.familiarity import fit_familiarity
from geotool.training.tile_set import TileSet
from geotool.training.trainer import Pair
from tests.training.tiny import tiny_config

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"


def _tiles(count: int, colour=(0.25, 0.35, 0.15)) -> torch.Tensor:
    base = torch.tensor(colour).view(1, 3, 1, 1) + 0.04 * torch.randn(count, 3, 1, 1)
    return (base + 0.02 * torch.randn(count, 3, 48, 48)).clamp(0, 1)


def test_other_colours_are_less_familiar():
    torch.manual_seed(0)
    pair = Pair(tiny_config(Path("set"), Path("model"))).eval()
    tiles = TileSet((_tiles(200) * 255).to(torch.uint8), torch.zeros(200, 2))
    parameters, threshold = fit_familiarity(pair, tiles, 32, seed=0)

    def measure(colours):
        pixels = normalise(torch.nn.functional.interpolate(colours, size=(32, 32), mode="area"))
        with torch.no_grad():
            return score(pixels, pair.image_tower(pixels), parameters)

    assert (measure(_tiles(100)) >= threshold).float().mean() > 0.8
    assert (measure(_tiles(100, (0.9, 0.1, 0.8))) < threshold).all()


@pytest.fixture(scope="module")
def shipped():
    if not (paths.SHIPPED_DIR / "bluemarble" / "weights.safetensors").is_file():
        pytest.skip("the bluemarble model is not built")
    from geotool.model.geomodel import load_model

    return load_model("bluemarble", "cpu")


def _drawings() -> dict[str, Image.Image]:
    rng = np.random.default_rng(0)
    page = Image.new("RGB", (300, 300), "white")
    pen = ImageDraw.Draw(page)
    for line in range(20):
        pen.text((10, 14 * line), "Quarterly figures, page 3 of 12, draft", fill="black")
    return {
        "noise": Image.fromarray(rng.integers(0, 256, (200, 200, 3), dtype=np.uint8)),
        "red": Image.new("RGB", (200, 200), (220, 30, 30)),
        "grey": Image.new("RGB", (200, 200), (128, 128, 128)),
        "white": Image.new("RGB", (200, 200), "white"),
        "black": Image.new("RGB", (200, 200)),
        "page": page,
    }


@pytest.mark.parametrize("name", list(_drawings()))
def test_the_shipped_model_refuses_what_is_no_tile(shipped, name):
    [query] = shipped.encode_images([_drawings()[name]])
    assert not shipped.is_familiar(query)


def test_the_shipped_model_knows_its_examples(shipped):
    examples = sorted((paths.ASSETS_DIR / "examples").glob("tile-*.jpg"))
    assert len(examples) == 6
    queries = shipped.encode_images([Image.open(path).convert("RGB") for path in examples])
    assert all(shipped.is_familiar(query) for query in queries)


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs the photos shared by the team")
def test_the_shipped_model_refuses_photographs(shipped):
    from geotool.photos import read_photo

    photos = [read_photo(path)[1] for path in sorted(PHOTOS.glob("*.jp*g"))]
    refused = [not shipped.is_familiar(query) for query in shipped.encode_images(photos)]
    assert np.mean(refused) >= 0.95
