"""The train command: from a feature store to a model folder; stopped, killed and started again."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from torch.nn import functional

from geotool.commands import train as command
from geotool.core.artifacts import unfinished_folder, write_json
from geotool.core.errors import EmptyResultError, MismatchError, NotFoundError, StoppedError, UsageError
from geotool.core.report import SilentReport
from geotool.core.sphere import haversine_km
from geotool.features.store import load_store
from geotool.model.geomodel import load_model
from geotool.model.zoo import find_model, read_model
from tests.training.tiny_features import draw_rows, tiny_config, write_source, write_store

PROJECT = Path(__file__).resolve().parents[2]


class StopAfter(SilentReport):
    """Asks to stop, or kills this process, once a number of steps is done."""

    def __init__(self, steps: int, kill: bool = False) -> None:
        self.steps, self.kill, self.stop_requested = steps, kill, False

    def progress(self, done, total, failed=0, unit=""):
        if unit == "steps" and done >= self.steps:
            if self.kill:
                os.kill(os.getpid(), signal.SIGKILL)
            self.stop_requested = True


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path))
    return tmp_path


@pytest.fixture
def source(home):
    return write_source(home)


@pytest.fixture
def store(home, source):
    return write_store(home / "store", source)


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return load_file(folder / "weights.safetensors")


def spec(folder: Path) -> dict:
    return json.loads((folder / "model.json").read_text())


def rows(folder: Path) -> list[dict]:
    lines = (folder / "curves" / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "epoch_s"} for line in lines]


def test_a_trained_model_loads_and_answers(home, source, store):
    command.run(tiny_config(store, home / "mine", constraint=0.1, cells=(2, 8)), SilentReport())
    model = load_model("mine", "cpu")
    image = Image.fromarray(np.full((40, 40, 3), 90, np.uint8))
    [query] = model.encode_images([image])
    assert np.linalg.norm(query.vector) == pytest.approx(1, abs=1e-5)
    assert torch.equal(model.find_features([image]), load_model("source", "cpu").find_features([image]))
    assert model.gallery_latlon_deg().shape == (56, 2)  # of 70 rows, 14 were kept for validation
    assert model.encode_locations(model.gallery_latlon_deg()).shape == (56, 8)
    assert "image_cells.head.weight" in weights(home / "mine")
    assert not unfinished_folder(home / "mine").exists()


def test_the_folder_says_what_it_is_and_how_it_was_made(home, source, store):
    command.run(tiny_config(store, home / "mine", title="Mine", gate=True, input="sphere"), SilentReport())
    found = spec(home / "mine")
    assert (found["title"], found["purpose"], found["licence"]) == ("Mine", "Tiles.", "Licence of the source")
    assert (found["location_encoder"]["gate"], found["location_encoder"]["input"]) == (True, "sphere")
    assert found["training"]["epochs"] == 3 and "out" not in found["training"]
    [card] = found["accuracy"]
    assert card["n"] == 14 and set(card["within_km"]) >= {"1", "25", "200", "750", "2500"}
    epochs = [row for row in rows(home / "mine") if "epoch" in row]
    assert [row["epoch"] for row in epochs] == [1, 2, 3] and [row["step"] for row in epochs] == [4, 8, 12]
    assert {"within_1_km", "within_25_km", "within_200_km", "within_750_km", "within_2500_km"} <= set(
        epochs[0]
    )
    assert find_model("mine").features_fingerprint == source.fingerprint != find_model("mine").fingerprint


def test_training_learns_where_features_are_from(home, source):
    folder = write_store(home / "big", source, count=600)
    settings = dict(  # noqa: C408
        epochs=20, batch=64, optimiser="muon", patience=0, random_views=False, sigmas=(1.0,), hidden=64
    )
    command.run(tiny_config(folder, home / "mine", **settings), SilentReport())
    first, *_, last = [row for row in rows(home / "mine") if "epoch" in row]
    assert last["median_km"] < 0.5 * first["median_km"]
    # Row i of the features is row i of the coordinates: a photo that was learnt finds its own surroundings.
    model, store = load_model("mine", "cpu"), load_store(folder)
    learnt = model.gallery_latlon_deg()
    images = functional.normalize(model.image_head(torch.from_numpy(store.read(np.arange(600)))))
    best = (images.numpy() @ model.encode_locations(learnt).T).argmax(axis=1)
    assert np.median(haversine_km(learnt[best], store.latlon_deg)) < 2000


def test_a_stopped_training_goes_on_to_the_same_weights_and_curves(home, store):
    settings = dict(  # noqa: C408
        queue_form="cached", gps_noise_km=5.0, constraint=0.1, cells=(3,), optimiser="muon"
    )
    command.run(tiny_config(store, home / "whole", **settings), SilentReport())
    broken = tiny_config(store, home / "broken", **settings)
    for steps in (2, 4, 9):  # within an epoch, at the end of one, within the last
        with pytest.raises(StoppedError):
            command.run(broken, StopAfter(steps))
        assert not (home / "broken").exists()
    command.run(broken, SilentReport())
    assert_same(home / "whole", home / "broken")


@pytest.mark.slow
def test_a_killed_training_goes_on_to_the_same_weights_and_curves(home, store):
    command.run(tiny_config(store, home / "whole", save_every=3), SilentReport())
    code = (
        "from pathlib import Path; import sys\n"
        "from geotool.commands import train\n"
        "from tests.training.test_train_features import StopAfter\n"
        "from tests.training.tiny_features import tiny_config\n"
        "store, out = map(Path, sys.argv[1:])\n"
        "train.run(tiny_config(store, out, save_every=3), StopAfter(8, kill=True))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, store, home / "broken"], cwd=PROJECT, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()
    assert unfinished_folder(home / "broken").is_dir()
    command.run(tiny_config(store, home / "broken", save_every=3), SilentReport())
    assert_same(home / "whole", home / "broken")


def assert_same(one: Path, other: Path) -> None:
    a, b = weights(one), weights(other)
    assert a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)
    assert rows(one) == rows(other)


@pytest.mark.slow
def test_two_processes_learn_what_one_learns_with_twice_the_batch(home, store, monkeypatch):
    settings = dict(  # noqa: C408
        epochs=2,
        lr=0.01,
        queue=25,
        constraint=0.2,
        cells=(3,),
        validation_share=0.21,  # of odd sizes
    )
    command.run(tiny_config(store, home / "one", **settings), SilentReport())
    command.run(tiny_config(store, home / "still", **{**settings, "lr": 0.0}), SilentReport())
    for name, value in {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": free_port(), "WORLD_SIZE": "2"}.items():
        monkeypatch.setenv(name, value)
    code = (
        "from pathlib import Path; import sys\n"
        "from geotool.commands import train\n"
        "from geotool.core.report import SilentReport\n"
        "from tests.training.tiny_features import tiny_config\n"
        "store, out = map(Path, sys.argv[1:])\n"
        f"train.run(tiny_config(store, out, batch=8, **{settings!r}), SilentReport())\n"
    )
    second = subprocess.Popen(
        [sys.executable, "-c", code, store, home / "two"], cwd=PROJECT, env={**os.environ, "RANK": "1"},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    monkeypatch.setenv("RANK", "0")
    command.run(tiny_config(store, home / "two", batch=8, **settings), SilentReport())
    printed, said = second.communicate(timeout=60)
    assert (second.returncode, printed) == (0, b""), said.decode()
    one, two, before = (weights(home / name) for name in ("one", "two", "still"))
    assert all(torch.allclose(one[name].float(), two[name].float(), atol=1e-3) for name in one)
    for name in ("image_head.0.weight", "location_encoder.capsules.0.head.weight", "image_cells.head.weight"):
        assert (one[name].float() - before[name].float()).abs().max() > 0.02, name
    assert spec(home / "two")["logit_scale"] == pytest.approx(spec(home / "one")["logit_scale"], rel=1e-3)


def free_port() -> str:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return str(listening.getsockname()[1])


def test_an_unfinished_training_with_other_settings_is_refused(home, store):
    with pytest.raises(StoppedError):
        command.run(tiny_config(store, home / "mine"), StopAfter(1))
    with pytest.raises(MismatchError, match="lr, mask_km"):
        command.run(tiny_config(store, home / "mine", lr=0.5, mask_km=9.0), SilentReport())


def test_fine_tuning_starts_from_the_trained_heads(home, source, store):
    """G3's resume put GeoCLIP's location encoder over the trained one."""
    command.run(tiny_config(store, home / "mine", init="source", lr=0.0, epochs=1), SilentReport())
    before, after = weights(home / "source"), weights(home / "mine")
    parts = [name for name in before if not name.startswith("familiarity.")]
    assert parts and all(torch.equal(before[name], after[name]) for name in parts)
    assert spec(home / "mine")["logit_scale"] == pytest.approx(spec(home / "source")["logit_scale"], abs=1e-3)


def test_a_finer_capsule_is_added_to_trained_ones(home, source, store):
    command.run(
        tiny_config(store, home / "mine", init="source", finer=64.0, lr=0.0, epochs=1), SilentReport()
    )
    assert spec(home / "mine")["location_encoder"]["sigmas"] == [4.0, 64.0]
    places = np.array([[50.0, 8.0], [-20.0, 130.0]])
    before, after = (load_model(name, "cpu").encode_locations(places) for name in ("source", "mine"))
    assert np.allclose(before, after, atol=1e-6)


def test_another_shape_than_the_trained_one_is_refused(home, source, store):
    with pytest.raises(UsageError, match="hidden"):
        command.run(tiny_config(store, home / "mine", init="source", hidden=24), SilentReport())


def test_features_of_another_tower_are_refused(home, source, store):
    """GeoCLIP's training normalised pictures otherwise than its inference: here a fingerprint covers it."""
    other = spec(home / "source")
    other["preprocessing"]["size_px"] = 48
    (home / "other").mkdir()
    for file in ("weights.safetensors", "coordinates.npy"):
        (home / "other" / file).write_bytes((home / "source" / file).read_bytes())
    write_json(home / "other" / "model.json", {**other, "name": "other"})
    with pytest.raises(MismatchError, match="another tower"):
        command.run(tiny_config(store, home / "mine", init="other"), SilentReport())
    elsewhere = write_store(home / "elsewhere", read_model(home / "other"), seed=5)
    with pytest.raises(MismatchError, match="another tower"):
        command.run(tiny_config(store, home / "mine", validation=elsewhere), SilentReport())
    (home / "source" / "model.json").unlink()
    with pytest.raises(MismatchError, match="which is not here"):
        command.run(tiny_config(store, home / "mine"), SilentReport())


def test_a_missing_store_names_the_command_that_makes_it(home):
    with pytest.raises(NotFoundError, match="precompute"):
        command.run(tiny_config(home / "none", home / "mine"), SilentReport())


def test_it_ends_early_and_keeps_the_best_epoch(home, source, store):
    command.run(tiny_config(store, home / "mine", epochs=50, lr=0.0, patience=2), SilentReport())
    epochs = [row for row in rows(home / "mine") if "epoch" in row]
    assert len(epochs) == 3  # the first is the best, and two brought nothing
    best = max(row["score"] for row in epochs)
    card = spec(home / "mine")["accuracy"][0]["within_km"]
    assert np.mean([card[km] for km in ("1", "25", "200", "750", "2500")]) == pytest.approx(best, abs=1e-3)


def test_a_loss_that_is_no_number_stops_the_training(home, store):
    with pytest.raises(EmptyResultError, match="no numbers"):
        command.run(tiny_config(store, home / "mine", lr=math.inf), SilentReport())
    assert not (home / "mine").exists()


def test_validation_may_be_another_store_or_none(home, source, store):
    other = write_store(home / "other", source, count=25, seed=7)
    command.run(tiny_config(store, home / "mine", validation=other), SilentReport())
    assert spec(home / "mine")["accuracy"][0]["n"] == 25
    assert len(np.load(home / "mine" / "coordinates.npy")) == 70
    command.run(tiny_config(store, home / "blind", validation_share=0.0), SilentReport())
    assert spec(home / "blind")["accuracy"] == []
    assert [r["epoch"] for r in rows(home / "blind") if "epoch" in r] == [1, 2, 3]


def test_a_tower_that_can_be_downloaded_is_named_and_not_copied(home, source, store):
    write_json(home / "source" / "model.json", {**spec(home / "source"), "download": {"size_bytes": 1}})
    command.run(tiny_config(store, home / "mine"), SilentReport())
    assert spec(home / "mine")["image_tower"]["from"] == "source"
    assert not [name for name in weights(home / "mine") if name.startswith("image_tower.")]
    image = Image.fromarray(np.full((40, 40, 3), 90, np.uint8))
    features = [load_model(name, "cpu").find_features([image]) for name in ("source", "mine")]
    assert torch.equal(*features)
    changed = {**spec(home / "source"), "weights": {"file": "weights.safetensors", "sha256": "0" * 64}}
    write_json(home / "source" / "model.json", changed)
    with pytest.raises(MismatchError, match="other weights of source"):
        load_model("mine", "cpu")
    (home / "source" / "weights.safetensors").unlink()
    assert find_model("mine").state == "not downloaded"
    with pytest.raises(NotFoundError, match="download source"):
        load_model("mine", "cpu")


def test_a_model_can_be_trained_on_from_its_own_features(home, source, store):
    command.run(tiny_config(store, home / "mine"), SilentReport())
    own = write_store(home / "own", find_model("mine"), seed=3)
    command.run(tiny_config(own, home / "next", init="mine", validation=store), SilentReport())
    assert find_model("next").features_fingerprint == source.fingerprint
    # "mine" has the tower of these features too, but they are those of "source": its shape is the default.
    command.run(tiny_config(store, home / "mine", hidden=24), SilentReport())
    command.run(tiny_config(store, home / "again"), SilentReport())
    assert spec(home / "again")["location_encoder"]["hidden"] == 16


def test_familiarity_is_carried_over_where_the_pictures_are_of_its_kind(home, source, store):
    many = write_store(home / "many", source, count=300)
    command.run(tiny_config(many, home / "mine"), SilentReport())
    assert spec(home / "mine")["familiarity"] == spec(home / "source")["familiarity"]
    before, after = weights(home / "source"), weights(home / "mine")
    assert torch.equal(before["familiarity.colours"], after["familiarity.colours"])
    assert torch.equal(before["familiarity.median"][:3], after["familiarity.median"][:3])
    assert before["familiarity.median"][3] != after["familiarity.median"][3]  # cosines of these heads
    odd = write_store(home / "odd", source, count=300, far=30.0)
    for other in (odd, store):  # of another kind; too few to tell
        command.run(tiny_config(other, home / "others"), SilentReport())
        assert spec(home / "others")["familiarity"] is None


def test_an_own_gallery_is_answered_with(home, store):
    places, _ = draw_rows(9, seed=4)
    np.save(home / "places.npy", places)
    command.run(tiny_config(store, home / "mine", gallery=home / "places.npy"), SilentReport())
    assert np.array_equal(np.load(home / "mine" / "coordinates.npy"), places.astype(np.float32))
