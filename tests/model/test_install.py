"""Side-loading: every layout of a CLIP checkpoint ends as the same model folder."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from clips import SPEC, hugging_face_names, random_tower, write_checkpoint, write_tiny_model_json
from safetensors import safe_open
from safetensors.torch import save_file

from geotool.core.artifacts import file_sha256
from geotool.core.errors import GeotoolError, MismatchError, NotFoundError, StoppedError, UsageError
from geotool.core.report import SilentReport
from geotool.model import install, zoo
from geotool.model.install import build_model, side_load

LAYOUTS = ("hf", "hf bin", "open_clip", "wrapped", "visual only", "ours")


@pytest.fixture
def tiny(home: Path) -> Path:
    write_tiny_model_json(home)
    return home


def read_all(path: Path) -> dict[str, torch.Tensor]:
    with safe_open(path, framework="pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("as_folder", [True, False])
def test_every_layout_gives_the_same_weights(
    tiny: Path, tmp_path: Path, layout: str, as_folder: bool
) -> None:
    tensors = random_tower().state_dict()
    path = write_checkpoint(tmp_path / "source", layout, tensors)
    info = side_load("geoclip", path.parent if as_folder else path, SilentReport())
    assert info.is_ready and info.folder == tiny / "geoclip"
    found = read_all(zoo.weights_file(info))
    for name, tensor in tensors.items():
        stored = found["image_tower." + name]
        assert torch.equal(stored, tensor.to(stored.dtype)), name
    assert found["image_tower.conv1.weight"].dtype == torch.bfloat16
    assert found["image_tower.ln_pre.weight"].dtype == torch.float32
    assert found["image_head.2.weight"].shape == (512, 768)
    assert found["location_encoder.capsules.2.frequencies"].shape == (256, 2)


def test_the_folder_says_how_it_was_made(tiny: Path, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    info = side_load("geoclip", path, SilentReport())
    meta = json.loads((info.folder / "meta.json").read_text())
    assert meta["inputs"]["sha256"] == file_sha256(path)
    assert info.spec["weights"]["sha256"] == file_sha256(zoo.weights_file(info))
    assert sorted(p.name for p in info.folder.iterdir()) == [
        "coordinates.npy", "meta.json", "model.json", "weights.safetensors",
    ]  # fmt: skip
    assert [p.name for p in tiny.iterdir()] == ["geoclip"]  # nothing temporary is left


def test_full_precision_keeps_every_bit(tiny: Path, tmp_path: Path) -> None:
    tensors = random_tower().state_dict()
    path = write_checkpoint(tmp_path / "source", "hf", tensors)
    info = build_model(zoo.find_model("geoclip"), path, tmp_path / "full", SilentReport(), "fp32")
    found = read_all(zoo.weights_file(info))
    assert all(torch.equal(found["image_tower." + name], tensor) for name, tensor in tensors.items())


def test_the_gallery_is_written_without_duplicates(tiny: Path, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    points = np.load(zoo.gallery_file(side_load("geoclip", path, SilentReport())))
    assert points.shape == (94100, 2) and points.dtype == np.float32


def test_incomplete_weights_are_refused_by_name(tiny: Path, tmp_path: Path) -> None:
    tensors = hugging_face_names(random_tower().state_dict())
    del tensors["visual_projection.weight"], tensors["vision_model.encoder.layers.1.self_attn.k_proj.bias"]
    save_file(tensors, tmp_path / "model.safetensors")
    with pytest.raises(MismatchError) as caught:
        side_load("geoclip", tmp_path / "model.safetensors", SilentReport())
    message = str(caught.value)
    assert "visual_projection.weight" in message and "layers.1.self_attn.k_proj.bias" in message
    assert not zoo.find_model("geoclip").is_ready


def test_a_checkpoint_without_a_visual_tower_is_refused(tiny: Path, tmp_path: Path) -> None:
    save_file({"weight": torch.zeros(3)}, tmp_path / "model.safetensors")
    with pytest.raises(MismatchError, match="lacks"):
        side_load("geoclip", tmp_path, SilentReport())


def test_another_size_of_clip_is_refused(tiny: Path, tmp_path: Path) -> None:
    tower = random_tower(**{**SPEC, "width": 48})
    path = write_checkpoint(tmp_path / "source", "hf", tower.state_dict())
    with pytest.raises(MismatchError, match="another model"):
        side_load("geoclip", path, SilentReport())


@pytest.mark.parametrize("layout", ["hf", "hf bin"])
def test_a_truncated_file_is_refused(tiny: Path, tmp_path: Path, layout: str) -> None:
    path = write_checkpoint(tmp_path / "source", layout, random_tower().state_dict())
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(MismatchError, match="truncated"):
        side_load("geoclip", path, SilentReport())


@pytest.mark.parametrize("content", [b"", b"not a checkpoint", b"PK\x03\x04nothing", b"\x80\x02nothing"])
def test_a_file_that_is_no_checkpoint_is_refused(tiny: Path, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with pytest.raises(MismatchError):
        side_load("geoclip", path, SilentReport())


def test_a_pickle_that_runs_code_is_refused(tiny: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple:
            return (Path.touch, (tmp_path / "ran",))

    torch.save({"state_dict": Trap()}, tmp_path / "clip.pt")
    with pytest.raises(MismatchError):
        side_load("geoclip", tmp_path / "clip.pt", SilentReport())
    assert not (tmp_path / "ran").exists()


def test_a_missing_source_and_an_empty_folder_say_what_is_wanted(tiny: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="nowhere"):
        side_load("geoclip", tmp_path / "nowhere", SilentReport())
    (tmp_path / "empty").mkdir()
    with pytest.raises(NotFoundError, match=r"model\.safetensors"):
        side_load("geoclip", tmp_path / "empty", SilentReport())


def test_several_unusual_files_ask_for_one(tiny: Path, tmp_path: Path) -> None:
    for name in ("a.pt", "b.pt"):
        (tmp_path / name).write_bytes(b"x")
    with pytest.raises(UsageError, match="2 checkpoints"):
        side_load("geoclip", tmp_path, SilentReport())


def test_stopping_keeps_the_model_that_was_there(tiny: Path, tmp_path: Path) -> None:
    path = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    before = side_load("geoclip", path, SilentReport())

    class Stop(SilentReport):
        stop_requested = True

    with pytest.raises(StoppedError):
        side_load("geoclip", path, Stop())
    after = zoo.find_model("geoclip")
    assert after.is_ready and after.fingerprint == before.fingerprint
    assert [p.name for p in tiny.iterdir()] == ["geoclip"]


def test_a_full_disk_is_named_before_anything_is_written(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(GeotoolError, match="GB free"):
        side_load("geoclip", path, SilentReport())


def test_a_model_without_a_download_says_so(home: Path) -> None:
    spec = json.loads((write_tiny_model_json(home) / "model.json").read_text())
    del spec["download"]
    (home / "mine").mkdir()
    (home / "mine" / "model.json").write_text(json.dumps({**spec, "name": "mine"}))
    with pytest.raises(UsageError, match="nothing to download"):
        install.download_model("mine", SilentReport())
