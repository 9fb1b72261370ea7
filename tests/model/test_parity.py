"""The same numbers as the references: the geoclip package, transformers' CLIP and open_clip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from clips import SPEC, hugging_face_names, random_tower
from PIL import Image
from torch.nn.functional import cosine_similarity, normalize

from geotool.core.report import SilentReport
from geotool.model import geoclip_package, zoo
from geotool.model.backbone import VisionTower
from geotool.model.geomodel import GeoModel
from geotool.model.install import build_model
from geotool.model.location_encoder import LocationEncoder, LocationSpec
from geotool.model.preprocessing import preprocess_clip

pytestmark = pytest.mark.slow  # importing a reference alone takes more than five seconds


def random_pictures(count: int, seed: int = 0) -> list[Image.Image]:
    """Coloured noise on several scales, of many shapes: unlike flat noise it survives resizing."""
    rng = np.random.default_rng(seed)
    found = []
    for _ in range(count):
        width, height = (int(x) for x in rng.integers(60, 900, size=2))
        coarse = Image.fromarray(rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)).resize((width, height))
        fine = Image.fromarray(rng.integers(0, 256, (height, width, 3), dtype=np.uint8))
        found.append(Image.blend(coarse, fine, 0.3))
    return found


def test_the_tower_equals_open_clips() -> None:
    from open_clip.transformer import QuickGELU, VisionTransformer

    ours = random_tower()
    theirs = VisionTransformer(28, 14, 32, 2, 2, 4.0, output_dim=768, act_layer=QuickGELU).eval()
    theirs.load_state_dict(ours.state_dict())  # strict: the same names and shapes
    pixels = torch.randn(3, 3, 28, 28)
    with torch.inference_mode():
        assert torch.allclose(ours(pixels), theirs(pixels), atol=1e-5)


def test_the_tower_equals_transformers() -> None:
    from transformers import CLIPVisionConfig, CLIPVisionModelWithProjection

    config = CLIPVisionConfig(
        hidden_size=SPEC["width"], intermediate_size=4 * SPEC["width"], num_hidden_layers=SPEC["layers"],
        num_attention_heads=SPEC["heads"], image_size=SPEC["size_px"], patch_size=SPEC["patch_px"],
        projection_dim=SPEC["dim"],
    )  # fmt: skip
    ours, theirs = random_tower(), CLIPVisionModelWithProjection(config).eval()
    known = hugging_face_names(ours.state_dict())
    theirs.load_state_dict(
        {name: value for name, value in known.items() if name.startswith("vis")}, strict=False
    )
    pixels = torch.randn(3, 3, SPEC["size_px"], SPEC["size_px"])
    with torch.inference_mode():
        assert torch.allclose(ours(pixels), theirs(pixels).image_embeds, atol=1e-5)


def test_the_defaults_are_open_clips_vit_l_14() -> None:
    from open_clip.factory import get_model_config
    from open_clip.transformer import QuickGELU, VisionTransformer

    config = get_model_config("ViT-L-14-quickgelu")
    vision = config["vision_cfg"]
    with torch.device("meta"):
        ours = VisionTower()
        theirs = VisionTransformer(
            vision["image_size"], vision["patch_size"], vision["width"], vision["layers"],
            vision["width"] // 64, 4.0, output_dim=config["embed_dim"], act_layer=QuickGELU,
        )  # fmt: skip
    shapes = [{name: tuple(p.shape) for name, p in tower.named_parameters()} for tower in (ours, theirs)]
    assert config["quick_gelu"] and shapes[0] == shapes[1]


def test_pixels_equal_clips_own_preprocessing() -> None:
    from transformers import CLIPImageProcessorPil

    processor = CLIPImageProcessorPil()
    for image in random_pictures(12):
        theirs = torch.as_tensor(np.asarray(processor(images=image)["pixel_values"][0]))
        assert torch.allclose(preprocess_clip(image, {"size_px": 224}), theirs, atol=1e-5)


def test_pixels_equal_open_clips_transform() -> None:
    import open_clip
    from open_clip.transform import image_transform

    transform = image_transform(
        224, is_train=False, mean=open_clip.OPENAI_DATASET_MEAN, std=open_clip.OPENAI_DATASET_STD,
        interpolation="bicubic",
    )  # fmt: skip
    for width, height in [(640, 480), (480, 640), (224, 224), (900, 300)]:
        image = random_pictures(1, seed=width)[0].resize((width, height))
        assert torch.allclose(preprocess_clip(image, {"size_px": 224}), transform(image), atol=1e-5)


def test_locations_equal_the_packages_over_the_whole_gallery() -> None:
    from geoclip import LocationEncoder as Reference

    ours = LocationEncoder(LocationSpec())
    ours.load_state_dict(geoclip_package.read_location_encoder())
    theirs = Reference().eval()
    points = torch.from_numpy(geoclip_package.read_gallery())
    worst = 0.0
    with torch.inference_mode():
        for part in points.split(4096):
            difference = normalize(ours(part), dim=1) - normalize(theirs(part), dim=1)
            worst = max(worst, difference.abs().max().item())
    assert worst <= 1e-5


@pytest.fixture(scope="module")
def package() -> object:
    """The package's model, full size, with seeded random CLIP weights."""
    from geoclip import GeoCLIP

    torch.manual_seed(0)
    return GeoCLIP(clip_pretrained=False).eval()


@pytest.fixture(scope="module")
def models(package: object, tmp_path_factory: pytest.TempPathFactory) -> dict[str, GeoModel]:
    """Ours with the same weights, from a full-precision and from a bf16 file."""
    from safetensors.torch import save_file

    folder = tmp_path_factory.mktemp("parity")
    state = package.image_encoder.CLIP.state_dict()
    save_file(
        {name: value for name, value in state.items() if name.startswith("vis")}, folder / "clip.safetensors"
    )
    template = zoo.read_model(zoo.TEMPLATES_DIR / "geoclip")
    found = {}
    for precision in ("fp32", "bf16"):
        target = folder / precision
        info = build_model(template, folder / "clip.safetensors", target, SilentReport(), precision)
        found[precision] = GeoModel(info, "cpu", precision)
    return found


def test_image_embeddings_equal_the_packages(package: object, models: dict[str, GeoModel]) -> None:
    pixels = torch.stack([preprocess_clip(image, {"size_px": 224}) for image in random_pictures(3)])
    with torch.inference_mode():
        theirs = package.image_encoder(pixels)
        full, half = (models[p].image_head(models[p].image_tower(pixels)) for p in ("fp32", "bf16"))
    assert cosine_similarity(full, theirs).min() >= 0.99999
    assert cosine_similarity(half, theirs).min() >= 0.999


def test_twenty_pictures_get_the_same_five_places(
    package: object, models: dict[str, GeoModel], tmp_path: Path
) -> None:
    """The package's predict on its own gallery, with its own pixels; duplicates merged."""
    model = models["fp32"]
    points = model.gallery_latlon_deg()
    ours = model.encode_locations(points)  # (N, D)
    with torch.inference_mode():
        gallery = torch.cat(
            [normalize(package.location_encoder(p), dim=1) for p in package.gps_gallery.split(4096)]
        )
        for image in random_pictures(20, seed=1):
            pixels = package.image_encoder.preprocess_image(image)
            reference = normalize(package.image_encoder(pixels), dim=1) @ gallery.T
            order = reference[0].argsort(descending=True, stable=True)[:200]
            theirs = list(dict.fromkeys(tuple(package.gps_gallery[row].tolist()) for row in order))[:5]
            query = normalize(model.image_head(model.image_tower(pixels)), dim=1).numpy()[0]
            best = np.argsort(-(ours @ query), kind="stable")[:5]
            assert [tuple(points[row].tolist()) for row in best] == theirs
