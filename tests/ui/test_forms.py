"""Forms are drawn from the Configs, and what is typed into them becomes the same Config as in a shell."""

from __future__ import annotations

import importlib
from pathlib import Path

import pytest

from geotool.commands import module_name
from geotool.commands.recipes import RECIPES
from geotool.core.arguments import parse_arguments, to_arguments, to_config
from geotool.core.config import options
from geotool.features.config import PrecomputeConfig
from geotool.training.config import TrainConfig
from geotool.ui import forms, job_forms
from tests.fakes import FakeInfo


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


def models() -> list[FakeInfo]:
    return [FakeInfo(), FakeInfo(name="far", title="Far", state="not downloaded", download_mb=1710.0)]


def field(form: dict, name: str) -> dict:
    return next(each for each in form["fields"] if each["name"] == name)


@pytest.mark.parametrize("command", [*RECIPES, *job_forms.STEPS])
def test_every_form_asks_for_every_setting_once(command: str) -> None:
    form = job_forms.build_form(command, models)
    known = {opt.name for opt in options(forms.config_class(command))} - set(forms.NOT_ASKED)
    names = [each["name"] for each in form["fields"]]
    assert sorted(names) == sorted(known)
    assert all(each["help"] and each["label"] for each in form["fields"])
    assert [each["more"] for each in form["fields"]] == sorted(each["more"] for each in form["fields"])


@pytest.mark.parametrize("command", [*RECIPES, *job_forms.STEPS])
def test_an_untouched_form_changes_no_default(command: str, tmp_path: Path) -> None:
    form = job_forms.build_form(command, models)
    typed = {each["name"]: each["value"] for each in form["fields"]}
    for each in form["fields"]:
        if each["required"] and each["value"] == "":
            typed[each["name"]] = str(tmp_path) if each["path"] else "fake"
    config = forms.read_form(command, typed)
    proposed = {each["name"] for each in form["fields"] if each["value"] not in ("", each["default"])}
    for opt in options(type(config)):
        if opt.name not in proposed and opt.name in typed and not _is_required(form, opt.name):
            assert getattr(config, opt.name) == opt.default, opt.name


def _is_required(form: dict, name: str) -> bool:
    return bool(field(form, name)["required"])


def test_what_is_typed_is_what_a_shell_would_read(tmp_path: Path) -> None:
    typed = {"features": f"{tmp_path}", "out": f"{tmp_path}/m", "epochs": " 3 ", "sigmas": "1, 16",
             "gate": "no", "random_views": False, "lr": "0.001", "optimiser": "muon", "init": ""}  # fmt: skip
    config = forms.read_form("train", typed)
    assert config == TrainConfig(
        features=tmp_path, out=tmp_path / "m", epochs=3, sigmas=(1.0, 16.0), gate=False, random_views=False,
        lr=0.001, optimiser="muon",
    )  # fmt: skip
    again = to_config(TrainConfig, parse_arguments("train", "", TrainConfig, to_arguments(config)), None)
    assert again == config


@pytest.mark.parametrize(
    ("name", "text", "sentence"),
    [
        ("data", "", '"Data set" is missing.'),
        ("data", "/nowhere/at/all", "There is no /nowhere/at/all."),
        ("data", "photos", "whole path"),
        ("views", "none", "\"Views\" cannot be 'none'. Give a whole number."),
        ("views", "0", '"Views" cannot be 0. Give 1 to'),
        ("device", "abacus", "Choose from auto, cpu"),
    ],
)
def test_one_sentence_says_which_field_is_wrong(name: str, text: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(forms.FieldProblem) as problem:
        forms.read_form("precompute", {"data": str(tmp_path), name: text})
    assert problem.value.field == name
    assert sentence in str(problem.value)


def test_models_stores_and_data_sets_are_listed(home: Path) -> None:
    for folder in ("features/one", "features/.two-unfinished", "runs/r"):
        (home / folder).mkdir(parents=True)
        (home / folder / "meta.json").write_text("{}")
    (home / "data" / "tiles").mkdir(parents=True)
    (home / "data" / "tiles" / "metadata.csv").write_text("")
    train = job_forms.build_form("train", models)
    assert field(train, "features")["suggestions"] == [str(home / "features" / "one")]
    assert field(train, "features")["value"] == str(home / "features" / "one")
    assert field(train, "init")["choices"] == [["", "by default"], ["fake", "Fake model"]]
    assert field(job_forms.build_form("evaluate", models), "data")["suggestions"] == [
        str(home / "data" / "tiles")
    ]
    assert field(job_forms.build_form("demo-data", models), "folder")["value"] == str(
        home / "data" / "tiles-2"
    )
    assert field(job_forms.build_form("download", models), "model")["choices"][-1] == ["far", "Far"]


def test_a_path_is_completed_from_the_disk(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos.csv").write_text("")
    (tmp_path / ".hidden").mkdir()
    assert job_forms.complete_path(f"{tmp_path}/") == [f"{tmp_path}/photos", f"{tmp_path}/photos.csv"]
    assert job_forms.complete_path(f"{tmp_path}/photos.") == [f"{tmp_path}/photos.csv"]
    for text in ("", "photos", f"{tmp_path}/none/x", "/\0"):
        assert job_forms.complete_path(text) == []


def test_saved_settings_come_back_into_the_form(tmp_path: Path) -> None:
    values = {"data": str(tmp_path), "model": "gone", "views": 3, "append": True, "max_failures": None}
    kept = {name: value for name, value in values.items() if value is not None}
    form = job_forms.build_form("precompute", models, kept)
    assert field(form, "views")["value"] == "3"
    assert field(form, "append")["value"] is True
    assert ["gone", "gone"] in field(form, "model")["choices"]
    typed = {each["name"]: each["value"] for each in form["fields"]}
    config = PrecomputeConfig(data=tmp_path, model="gone", views=3, append=True)
    assert forms.read_form("precompute", typed) == config


def test_the_line_for_a_shell_names_the_home(home: Path, tmp_path: Path) -> None:
    config = PrecomputeConfig(data=tmp_path / "my photos", views=2)
    line = job_forms.shell_line("precompute", config)
    assert line == f"python -m geotool precompute '{tmp_path}/my photos' --views=2 --home {home}"


def test_every_offered_command_can_be_imported() -> None:
    for command in (*RECIPES, *job_forms.STEPS):
        assert callable(importlib.import_module(module_name(command)).run)
