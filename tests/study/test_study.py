"""The study command over a tiny world: its tables, stopped and gone on with."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from geotool.commands import study as command
from geotool.core.errors import MismatchError, StoppedError, UsageError
from geotool.core.report import SilentReport
from geotool.core.sphere import haversine_km
from geotool.features.store import load_store
from geotool.model.geomodel import load_model
from geotool.study.answering import Answerer, Guidance
from geotool.study.place import home_at
from tests.study.study_results import tiny_study, write_world
from tests.training.tiny_features import write_source

PROJECT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.slow


class StopAfterRuns(SilentReport):
    """Asks to stop within the run of this number, or kills the process; remembers what was said."""

    def __init__(self, run: int | None = None, kill: bool = False) -> None:
        self.run, self.kill, self.stop_requested = run, kill, False
        self.runs, self.seconds = list[tuple[str, int]](), list[tuple[int, int]]()

    def progress(self, done, total, failed=0, unit=""):
        if unit == "s of work":
            self.seconds.append((done, total))
            self.stop_requested = self.run is not None and len(self.runs) >= self.run
            if self.stop_requested and self.kill:
                os.kill(os.getpid(), signal.SIGKILL)

    def event(self, name, **values):
        if name == "run":
            self.runs.append((values["variant"], values["seed"]))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A world image, and a home with a tiny model whose tower is the frozen one."""
    home = tmp_path_factory.mktemp("home")
    write_source(home)
    with home_at(home):
        yield write_world(home / "world.png")


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory, world: Path) -> Path:
    folder = tmp_path_factory.mktemp("study") / "whole"
    command.run(tiny_study(folder, world), SilentReport())
    return folder


def figures(folder: Path) -> dict:
    """What does not depend on the time of day."""
    found = {}
    for file in sorted((folder / "runs").iterdir()):
        values = json.loads(file.read_text())
        values.pop("query_ms")
        found[file.name] = values
    return found


def test_each_variant_and_seed_has_a_result_and_a_place_in_the_tables(done: Path) -> None:
    assert set(figures(done)) == {f"{v}-{s}.json" for v in ("features", "both", "guided") for s in (0, 1)}
    document = json.loads((done / "study.json").read_text())
    assert [one["name"] for one in document["variants"]] == ["features", "both", "guided"]
    assert all(one["seeds"] == [0, 1] and one["tests"]["unseen"]["n"] == 12 for one in document["variants"])
    assert document["skipped"]["season"].startswith("No image")
    page = (done / "study.md").read_text()
    assert page.count("| features + gate + constraint + guidance |") == 2 and " ± " in page


def test_no_tile_is_learnt_from_and_tested_on(done: Path) -> None:
    places = [load_store(done / "stores" / name).latlon_deg for name in ("training", "validation", "unseen")]
    assert len(np.unique(np.concatenate(places), axis=0)) == 24 + 12 + 12


def test_a_stopped_study_goes_on_to_the_same_figures(done: Path, tmp_path: Path, world: Path) -> None:
    config = tiny_study(tmp_path / "broken", world)
    first = StopAfterRuns(2)
    with pytest.raises(StoppedError):
        command.run(config, first)
    assert first.runs == [("features", 0), ("both", 0)]
    assert [file.name for file in (tmp_path / "broken" / "runs").iterdir()] == ["features-0.json"]
    second = StopAfterRuns()
    command.run(config, second)
    assert second.runs[0] == ("both", 0) and ("features", 0) not in second.runs
    assert all(done_s <= total_s for done_s, total_s in second.seconds)
    assert figures(tmp_path / "broken") == figures(done)
    again = StopAfterRuns()
    command.run(config, again)
    assert again.runs == []


def test_a_killed_study_goes_on_to_the_same_figures(done: Path, tmp_path: Path, world: Path) -> None:
    code = (
        "from pathlib import Path; import sys\n"
        "from geotool.commands import study\n"
        "from tests.study.study_results import tiny_study\n"
        "from tests.study.test_study import StopAfterRuns\n"
        "study.run(tiny_study(*map(Path, sys.argv[1:])), StopAfterRuns(3, kill=True))\n"
    )
    folder = tmp_path / "broken"
    killed = subprocess.run([sys.executable, "-c", code, folder, world], cwd=PROJECT, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr.decode()
    assert len(list((folder / "runs").iterdir())) == 3  # the third reuses a model, so the fourth was hit
    command.run(tiny_study(folder, world), SilentReport())
    assert figures(folder) == figures(done)


def test_other_settings_are_refused_and_a_folder_of_others_is_left_alone(
    done: Path, world: Path, tmp_path: Path
) -> None:
    with pytest.raises(MismatchError, match="epochs"):
        command.run(tiny_study(done, world, epochs=3), SilentReport())
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="no study"):
        command.run(tiny_study(tmp_path, world), SilentReport())


def test_end_to_end_and_variations_take_the_same_tables_and_a_second_test(
    tmp_path: Path, world: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny_study(
        tmp_path / "study", world, tower=None, raster=world, seeds=1, format="json",
        variants=("end-to-end", "augmented", "features"),
    )  # fmt: skip
    command.run(config, SilentReport())
    document = json.loads(capsys.readouterr().out)
    assert all(set(one["tests"]) == {"unseen", "season"} for one in document["variants"])
    assert all(one["tests"]["season"]["score"]["half"] is None for one in document["variants"])
    end_to_end, augmented, features = document["variants"]
    assert end_to_end["image_s"] > 0 and augmented["image_s"] > features["image_s"]
    assert load_store(tmp_path / "study" / "stores" / "augmented").views == config.epochs


def test_no_guidance_is_the_first_candidate_and_errors_are_great_circles(done: Path) -> None:
    gallery = np.array([[10.0, 30.0], [20.0, 50.0], [35.0, 75.0], [-20.0, 175.0]])
    with home_at(done / "models"):
        answerer = Answerer(load_model("both-0", "cpu"), gallery)
    store = load_store(done / "stores" / "unseen")
    plain = answerer.measure(store.folder)
    assert answerer.measure(store.folder, Guidance(1, 0.0)) == plain
    features = store.read(np.arange(len(store)))
    head, model = answerer.model.image_head, answerer.model
    vectors = head(head[0].weight.new_tensor(features)).detach().numpy()
    rows = (vectors @ model.encode_locations(gallery).T).argmax(axis=1)
    errors = haversine_km(gallery[rows], store.latlon_deg)
    assert plain.median_km == pytest.approx(np.median(errors), abs=1e-3)
    assert answerer.choose_guidance(store.folder).weight >= 0
