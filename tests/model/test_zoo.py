"""The list of models, its states, and the two commands that show and fill it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from clips import random_tower, write_checkpoint, write_tiny_model_json

from geotool.commands import download as download_command
from geotool.commands import models as models_command
from geotool.core.errors import MismatchError, NotFoundError
from geotool.core.report import SilentReport
from geotool.model import zoo
from geotool.model.install import side_load


def change(folder: Path, **changes: object) -> zoo.ModelInfo:
    file = folder / "model.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changes}))
    return zoo.read_model(folder)


def test_geoclip_is_listed_with_its_size_before_anything_is_on_disk(home: Path) -> None:
    info = zoo.find_model("geoclip")
    assert (info.state, info.size_mb) == ("not downloaded", 0)
    assert info.download_mb == pytest.approx(1710.5, abs=0.1)
    assert list(home.iterdir()) == []  # looking makes nothing


def test_geoclip_is_the_default_once_it_is_ready(home: Path, tmp_path: Path) -> None:
    write_tiny_model_json(home)
    path = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    side_load("geoclip", path, SilentReport())
    info = zoo.default_model()
    assert info.name == "geoclip" and info.is_ready and info.size_mb > 1


def test_an_unknown_model_is_named_with_those_there_are(home: Path) -> None:
    with pytest.raises(NotFoundError, match=r"nonsense.*geoclip"):
        zoo.find_model("nonsense")


def test_a_folder_of_the_user_is_a_model(home: Path) -> None:
    folder = write_tiny_model_json(home)
    change(folder, name="mine")
    assert zoo.find_model("mine").folder == folder


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"schema": 99}', '{"schema": 1, "name": "x"}'])
def test_a_damaged_model_json_is_refused_by_name(home: Path, text: str) -> None:
    (home / "broken").mkdir()
    (home / "broken" / "model.json").write_text(text)
    with pytest.raises(MismatchError, match="broken"):
        zoo.read_model(home / "broken")


def test_the_fingerprint_covers_settings_and_weights_and_nothing_else(home: Path) -> None:
    folder = write_tiny_model_json(home)
    first = zoo.read_model(folder).fingerprint
    assert change(folder, accuracy=[], title="Another").fingerprint == first
    assert change(folder, weights={"file": "weights.safetensors", "sha256": "1"}).fingerprint != first
    assert change(folder, preprocessing={"kind": "clip", "size_px": 56}).fingerprint != first


def test_models_prints_every_model(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    models_command.run(models_command.Config(), SilentReport())
    shown = capsys.readouterr().out
    assert "geoclip" in shown and "not downloaded" in shown and "1,711 MB" in shown and "MIT" in shown
    models_command.run(models_command.Config(format="json"), SilentReport())
    rows = json.loads(capsys.readouterr().out)["models"]
    wanted = {"name", "state", "size_mb", "download_mb", "licence", "accuracy", "folder"}
    assert all(wanted <= set(row) for row in rows)


def test_models_shows_the_accuracy_card(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    card = {"data": "tiles", "n": 10, "within_km": {"1": 0.0, "200": 93.5}, "median_km": 38.2}
    change(write_tiny_model_json(home), accuracy=[{**card, "command": "evaluate"}])
    models_command.run(models_command.Config(), SilentReport())
    assert "93.5 % within 200 km, median 38.2 km (tiles, 10 pictures)" in capsys.readouterr().out


def test_download_from_a_file_makes_the_model_ready(
    home: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tiny_model_json(home)
    path = write_checkpoint(tmp_path / "source", "hf bin", random_tower().state_dict())
    download_command.run(download_command.Config(model="geoclip", source=path), SilentReport())
    assert "geoclip is ready" in capsys.readouterr().out
    assert zoo.find_model("geoclip").is_ready


def test_a_calibration_beside_the_model_wins_over_the_one_that_ships(home: Path) -> None:
    shipped = zoo.calibration_file(zoo.find_model("geoclip"))
    assert shipped == zoo.TEMPLATES_DIR / "geoclip" / "calibration.json"
    folder = write_tiny_model_json(home)
    (folder / "calibration.json").write_text("{}")
    assert zoo.calibration_file(zoo.read_model(folder)) == folder / "calibration.json"
    change(folder, name="mine")
    (folder / "calibration.json").unlink()
    assert zoo.calibration_file(zoo.read_model(folder)) is None
