"""A model in memory: unit vectors, chunks, clear refusals; on a tiny tower with random weights."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import SPEC, random_tower, write_checkpoint, write_tiny_model_json
from PIL import Image

from geotool.core.errors import DeviceError, MismatchError, NotFoundError, StoppedError
from geotool.core.records import QueryVector
from geotool.core.report import SilentReport
from geotool.model import zoo
from geotool.model.backbone import VisionTower
from geotool.model.geomodel import GeoModel, load_model
from geotool.model.install import side_load
from geotool.model.preprocessing import preprocess_clip


@pytest.fixture
def info(home: Path, tmp_path: Path) -> zoo.ModelInfo:
    write_tiny_model_json(home)
    path = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    return side_load("geoclip", path, SilentReport())


def pictures(count: int) -> list[Image.Image]:
    rng = np.random.default_rng(0)
    sizes = [(40, 60), (300, 200), (28, 28), (1, 1), (500, 20)]
    return [Image.fromarray(rng.integers(0, 256, (*sizes[i % 5], 3), dtype=np.uint8)) for i in range(count)]


def test_images_become_unit_vectors_in_order(info: zoo.ModelInfo) -> None:
    model = load_model("geoclip", "cpu")
    images = pictures(9)  # more than are encoded at once
    queries = model.encode_images(images)
    assert [type(query) for query in queries] == [QueryVector] * 9
    assert all(abs(np.linalg.norm(query.vector) - 1) < 1e-5 for query in queries)
    assert all(query.vector.dtype == np.float32 and query.vector.shape == (model.dim,) for query in queries)
    alone = model.encode_images(images[7:8])[0]
    assert alone.vector @ queries[7].vector > 0.9999
    assert queries[0].encoder == model.fingerprint == info.fingerprint
    assert model.is_familiar(queries[0], 0.1)  # GeoCLIP measures none
    assert model.encode_images([]) == []


def test_places_become_unit_rows_and_stop_when_asked(info: zoo.ModelInfo) -> None:
    model = load_model("geoclip", "cpu")
    points = model.gallery_latlon_deg()[:1500]
    rows = model.encode_locations(points)
    assert rows.shape == (1500, 512) and rows.dtype == np.float32
    assert np.allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    assert model.encode_locations(points[:0]).shape == (0, 512)

    class Stop(SilentReport):
        stop_requested = True

    with pytest.raises(StoppedError):
        model.encode_locations(points, Stop())


def test_half_precision_stays_close_for_photos_and_places(info: zoo.ModelInfo) -> None:
    full, half = load_model("geoclip", "cpu", "fp32"), load_model("geoclip", "cpu", "bf16")
    images, points = pictures(5), full.gallery_latlon_deg()[:500]
    for a, b in zip(full.encode_images(images), half.encode_images(images), strict=True):
        assert a.vector @ b.vector > 0.999
    cosines = (full.encode_locations(points) * half.encode_locations(points)).sum(axis=1)
    assert cosines.min() > 0.9998  # 0.5 and less where the Fourier phase is in half precision too


def test_only_matrices_are_cast(info: zoo.ModelInfo) -> None:
    tower = load_model("geoclip", "cpu", "bf16").image_tower
    kinds = {name: parameter.dtype for name, parameter in tower.named_parameters()}
    assert kinds["conv1.weight"] == kinds["transformer.resblocks.0.mlp.c_fc.weight"] == torch.bfloat16
    assert kinds["ln_post.weight"] == kinds["positional_embedding"] == torch.float32
    assert not any(parameter.requires_grad for parameter in tower.parameters())


def test_weights_that_are_not_here_name_the_command(home: Path) -> None:
    with pytest.raises(NotFoundError, match="python -m geotool download geoclip"):
        load_model("geoclip")


def test_a_missing_device_is_refused(info: zoo.ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(DeviceError):
        load_model("geoclip", "cuda")


def test_truncated_weights_are_refused_at_loading(info: zoo.ModelInfo) -> None:
    file = zoo.weights_file(info)
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(MismatchError, match="damaged"):
        load_model("geoclip", "cpu")


def test_weights_of_another_shape_are_refused_at_loading(info: zoo.ModelInfo) -> None:
    spec = {**info.spec, "image_tower": {"kind": "open_clip", **SPEC, "layers": 3}}
    (info.folder / "model.json").write_text(json.dumps(spec))
    with pytest.raises(MismatchError, match="do not fit"):
        load_model("geoclip", "cpu")


def test_running_out_of_memory_is_a_device_error(
    info: zoo.ModelInfo, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("no memory")

    monkeypatch.setattr(VisionTower, "forward", fail)
    with pytest.raises(DeviceError, match="ran out of memory"):
        load_model("geoclip", "cpu").encode_images(pictures(1))


def test_a_new_kind_of_tower_is_one_entry(info: zoo.ModelInfo, monkeypatch: pytest.MonkeyPatch) -> None:
    """A registered tower and a model.json suffice: no code asks for names."""
    from geotool.model import geomodel

    monkeypatch.setitem(geomodel.IMAGE_TOWERS, "mine", VisionTower)
    spec = {**info.spec, "name": "mine", "image_tower": {"kind": "mine", **SPEC}}
    (info.folder / "model.json").write_text(json.dumps(spec))
    model = load_model("mine", "cpu")
    assert isinstance(model, GeoModel) and len(model.encode_images(pictures(1))) == 1


@pytest.mark.parametrize("size", [(224, 224), (640, 480), (481, 640), (1, 1), (2000, 100), (100, 9000)])
def test_clip_input_has_one_shape_and_keeps_the_centre(size: tuple[int, int]) -> None:
    image = Image.new("RGB", size, (255, 0, 0))
    pixels = preprocess_clip(image, {"size_px": 224})
    assert pixels.shape == (3, 224, 224) and pixels.dtype == torch.float32
    assert pixels[0].std() < 1e-6 and pixels[0].mean() == pytest.approx((1 - 0.48145466) / 0.26862954)
