from __future__ import annotations

from pathlib import Path

import pytest

from geotool.commands import classroom, region_model
from geotool.core.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    return (tmp_path / "home").resolve()


def test_each_step_reads_what_the_one_before_wrote(home: Path, tmp_path: Path) -> None:
    config = region_model.Config(
        data=tmp_path,
        name="tuscany",
        base="geoclip",
        test=tmp_path / "t",
        points=tmp_path / "p.csv",
        epochs=4,
    )
    steps = dict(region_model.steps(config))
    assert list(steps) == ["precompute", "train", "build-gallery", "evaluate", "calibrate"]
    assert steps["train"].features == steps["precompute"].out
    assert (steps["train"].init, steps["precompute"].model) == ("geoclip", "geoclip")
    assert (steps["train"].out, steps["train"].epochs) == (home / "tuscany", 4)
    assert steps["build-gallery"].model == steps["evaluate"].model == "tuscany"
    assert steps["calibrate"].run == steps["evaluate"].out
    assert steps["calibrate"].out == home / "tuscany" / "calibration.json"


def test_nothing_is_measured_on_photos_that_were_learnt_from(tmp_path: Path) -> None:
    steps = region_model.steps(region_model.Config(data=tmp_path, name="tuscany", base="geoclip"))
    assert [command for command, _ in steps] == ["precompute", "train"]


def test_the_demonstration_measures_on_other_tiles() -> None:
    steps = classroom.steps(classroom.Config(tiles=300))
    (_, tiles), (_, unseen), *rest = steps
    assert tiles.seed != unseen.seed and tiles.folder != unseen.folder
    assert [command for command, _ in rest] == ["precompute", "train", "evaluate", "calibrate"]
    assert rest[0][1].data == tiles.folder and rest[2][1].data == unseen.folder


@pytest.mark.parametrize("name", ["", "a b", "../x", "jobs", "bluemarble", "geoclip", ".hidden", "there"])
def test_a_name_that_cannot_be_used_is_refused(name: str, home: Path) -> None:
    (home / "there").mkdir(parents=True)
    with pytest.raises(UsageError):
        classroom.steps(classroom.Config(name=name))
