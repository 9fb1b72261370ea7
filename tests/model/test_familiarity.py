"""Familiarity: what is like the training tiles passes, the rest does not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from geotool.core import paths
from geotool.engine import Engine
from geotool.model.familiarity import add_cosine, score
from geotool.model.tile_tower import normalise
from geotool.training.tower.familiarity import fit_familiarity
from geotool.training.tower.tile_set import TileSet
from geotool.training.tower.trainer import Pair
from tests.training.tower.tiny_tower import tiny_config

PHOTOS = Path(__file__).resolve().parents[3] / "shared" / "photos"


def _tiles(count: int, colour=(0.25, 0.35, 0.15)) -> torch.Tensor:
    base = torch.tensor(colour).view(1, 3, 1, 1) + 0.04 * torch.randn(count, 3, 1, 1)
    return (base + 0.02 * torch.randn(count, 3, 48, 48)).clamp(0, 1)


def test_other_colours_are_less_familiar():
    torch.manual_seed(0)
    pair = Pair(tiny_config(Path("set"), Path("model"))).eval()
    tiles = TileSet((_tiles(200) * 255).to(torch.uint8), torch.zeros(200, 2))
    places = np.array([[0.0, 0.0], [10.0, 20.0]])
    parameters, threshold = fit_familiarity(pair, tiles, places, 32, seed=0)
    usual = parameters["median"][3]

    def measure(colours):
        pixels = normalise(torch.nn.functional.interpolate(colours, size=(32, 32), mode="area"))
        with torch.no_grad():
            return score(pixels, pair.image_tower(pixels), parameters)

    familiar, other = measure(_tiles(100)), measure(_tiles(100, (0.9, 0.1, 0.8)))
    assert (add_cosine(familiar, usual, parameters) >= threshold).float().mean() > 0.8
    assert (add_cosine(other, usual, parameters) < threshold).all()
    # A picture that fits no place is refused, however usual its colours are.
    assert (add_cosine(familiar, usual - 10 * parameters["spread"][3], parameters) < threshold).all()


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    if not (paths.SHIPPED_DIR / "bluemarble" / "weights.safetensors").is_file():
        pytest.skip("the bluemarble model is not built")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GEOTOOL_HOME", str(tmp_path_factory.mktemp("home")))
        yield Engine.load("bluemarble", "cpu")


def _is_known(engine: Engine, image: Image.Image, folder: Path) -> bool:
    path = folder / "picture.png"
    image.save(path)
    return not engine.locate(path).is_unknown


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


@pytest.mark.slow
@pytest.mark.parametrize("name", list(_drawings()))
def test_the_shipped_model_refuses_what_is_no_tile(shipped, name, tmp_path):
    assert not _is_known(shipped, _drawings()[name], tmp_path)


@pytest.mark.slow
def test_the_shipped_model_places_its_examples(shipped):
    examples = sorted((paths.ASSETS_DIR / "examples").glob("tile-*.jpg"))
    assert len(examples) == 6
    errors_km = [shipped.locate(path).error_km for path in examples]
    assert all(error is not None and error < 100 for error in errors_km)


@pytest.mark.slow
@pytest.mark.skipif(not PHOTOS.is_dir(), reason="needs the photos shared by the team")
def test_the_shipped_model_refuses_photographs(shipped):
    results = shipped.locate_many(sorted(PHOTOS.glob("*.jp*g")))
    assert np.mean([result.is_unknown for result in results]) >= 0.95
