"""The train command: a model folder that loads, checkpoints that continue as if nothing had happened."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from geotool.commands import train_tower as command
from geotool.core.artifacts import unfinished_folder
from geotool.core.errors import EmptyResultError, MismatchError, NotFoundError, StoppedError, UsageError
from geotool.core.report import SilentReport
from geotool.model.geomodel import load_model
from geotool.training.answer_places import read_gallery
from tests.training.tower.tiny_tower import tiny_config, write_tiny_set


class StopAfter(SilentReport):
    """Asks to stop once a number of steps is done."""

    def __init__(self, steps: int) -> None:
        self.steps, self.stop_requested = steps, False

    def progress(self, done, total, failed=0, unit=""):
        if unit == "steps" and done >= self.steps:
            self.stop_requested = True


@pytest.fixture
def data(tmp_path):
    return write_tiny_set(tmp_path / "set")


def test_a_trained_model_loads_and_answers(tmp_path, data, monkeypatch):
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    command.run(tiny_config(data, tmp_path / "home" / "mine", steps=2), SilentReport())
    model = load_model("mine", "cpu")
    [query] = model.encode_images([Image.open(data / "images" / "0.png").convert("RGB")])
    assert query.vector.shape == (8,) and np.linalg.norm(query.vector) == pytest.approx(1, abs=1e-5)
    assert np.isfinite(query.familiarity)
    assert model.gallery_latlon_deg().shape == (32, 2)
    assert model.encode_locations(model.gallery_latlon_deg()).shape == (32, 8)


def test_the_folder_says_what_it_is_and_how_it_was_made(tmp_path, data):
    command.run(tiny_config(data, tmp_path / "mine", steps=2, title="Mine"), SilentReport())
    spec = json.loads((tmp_path / "mine" / "model.json").read_text())
    assert (spec["schema"], spec["name"], spec["title"]) == (1, "mine", "Mine")
    assert spec["training"]["steps"] == 2 and spec["familiarity"]["threshold"] <= 0
    assert not unfinished_folder(tmp_path / "mine").exists()


def test_a_stopped_training_goes_on_to_the_same_weights(tmp_path, data):
    command.run(tiny_config(data, tmp_path / "whole"), SilentReport())
    broken = tiny_config(data, tmp_path / "broken")
    with pytest.raises(StoppedError):
        command.run(broken, StopAfter(2))
    assert not (tmp_path / "broken").exists() and unfinished_folder(tmp_path / "broken").is_dir()
    command.run(broken, SilentReport())
    whole, resumed = (load_file(tmp_path / name / "weights.safetensors") for name in ("whole", "broken"))
    assert whole.keys() == resumed.keys()
    for name in whole:
        assert torch.allclose(whole[name].float(), resumed[name].float(), atol=1e-4), name


def test_a_checkpoint_of_other_settings_is_refused(tmp_path, data):
    with pytest.raises(StoppedError):
        command.run(tiny_config(data, tmp_path / "mine"), StopAfter(1))
    with pytest.raises(MismatchError, match="lr"):
        command.run(tiny_config(data, tmp_path / "mine", lr=0.5), SilentReport())


def test_training_lowers_the_loss(tmp_path, data):
    seen = []

    class Listening(SilentReport):
        def event(self, name, **values):
            if name == "training":
                seen.append(values["loss"])

    command.run(tiny_config(data, tmp_path / "mine", steps=100, augment=False), Listening())
    assert seen[-1] < 0.8 * seen[0]


def test_an_own_gallery_is_used(tmp_path, data):
    places = np.array([[1.0, 2.0], [3.0, 4.0]], dtype=np.float32)
    np.save(tmp_path / "places.npy", places)
    command.run(
        tiny_config(data, tmp_path / "mine", steps=1, gallery=tmp_path / "places.npy"), SilentReport()
    )
    assert np.array_equal(np.load(tmp_path / "mine" / "coordinates.npy"), places)


@pytest.mark.parametrize(
    "wrong", [np.zeros((3, 3)), np.zeros((0, 2)), np.full((2, 2), np.nan), np.full((1, 2), 99.0)]
)
def test_a_gallery_that_cannot_be_meant_is_refused(tmp_path, wrong):
    np.save(tmp_path / "places.npy", wrong)
    with pytest.raises(UsageError):
        read_gallery(tmp_path / "places.npy")


def test_missing_gallery_and_empty_data_are_told(tmp_path):
    with pytest.raises(NotFoundError):
        read_gallery(tmp_path / "no.npy")
    (tmp_path / "set" / "images").mkdir(parents=True)
    (tmp_path / "set" / "metadata.csv").write_text("IMG_ID,LAT,LON\nmissing.jpg,1,2\n")
    with pytest.raises(EmptyResultError):
        command.run(tiny_config(tmp_path / "set", tmp_path / "mine"), SilentReport())
