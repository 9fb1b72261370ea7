"""From a data set to a store: every photo in its row, none embedded twice, whatever happens meanwhile."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from geotool.commands import precompute as command
from geotool.core.artifacts import unfinished_folder
from geotool.core.errors import EmptyResultError, NotFoundError, StoppedError, UsageError
from geotool.core.paths import HOME_VARIABLE, PROJECT_DIR
from geotool.core.report import SilentReport
from geotool.features import stages
from geotool.features.decode import Decoder, Encoded
from geotool.features.precompute import precompute
from geotool.features.store import FeatureStore, load_store
from geotool.features.verify import verify_store
from geotool.features.views import find_boxes
from geotool.model.geomodel import GeoModel, load_model
from geotool.photos import read_photo
from tests.features.photo_sets import StopAfter, settings, write_photo_set
from tests.features.stores import read_files
from tests.features.tiny_models import PREPROCESSING, write_tiny_model

SILENT = SilentReport()


@pytest.fixture(autouse=True)
def small_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many blocks out of few photos."""
    monkeypatch.setattr(stages, "RUN_PICTURES", {"cpu": 4})
    monkeypatch.setattr(stages, "BATCH_PICTURES", {"cpu": 2})


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    write_tiny_model(tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    return write_photo_set(tmp_path / "set", broken=(3, 11))


@pytest.fixture
def expected(tmp_path: Path, data: Path) -> dict[str, str]:
    """The files of a store that nothing interrupts."""
    precompute(settings(data, tmp_path / "whole"), SILENT)
    return read_files(tmp_path / "whole")


@pytest.fixture
def embedded(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """How often the tower saw each picture, by its content."""
    seen: Counter[str] = Counter()
    find_features = GeoModel.find_features_of_levels

    def count(self: GeoModel, levels: torch.Tensor) -> torch.Tensor:
        seen.update(digest(part) for part in levels)
        return find_features(self, levels)

    monkeypatch.setattr(GeoModel, "find_features_of_levels", count)
    return seen


def digest(levels: torch.Tensor) -> str:
    return hashlib.sha256(levels.numpy().tobytes()).hexdigest()


def decode(path: Path) -> torch.Tensor:
    """(3, S, S), what the tower is given."""
    return Decoder(PREPROCESSING["clip"], 1).decode(Encoded(path.read_bytes(), path.name))[0]


def paths_of(store: FeatureStore, data: Path) -> list[Path]:
    return [data / path for path in store.table()["path"].to_pylist()]


@pytest.mark.parametrize("kind", ["clip", "tile"])
@pytest.mark.parametrize("views", [1, 3])
def test_each_photo_lies_in_its_row_and_finds_itself(
    tmp_path: Path, home: Path, data: Path, kind: str, views: int
) -> None:
    """A photo read on its own, through the model's own preprocessing, is nearest to its own row."""
    write_tiny_model(home, kind=kind)
    summary = precompute(settings(data, tmp_path / "store", views=views), SILENT)
    store, model = load_store(tmp_path / "store"), load_model("tiny", "cpu")
    assert (summary.photos, summary.failed, summary.embedded, len(store), store.views) == (
        18,
        2,
        18,
        18,
        views,
    )
    for view in range(views):
        rows = store.read(np.arange(len(store)), view)  # (N, F)
        for number, path in enumerate(paths_of(store, data)):
            _, image = read_photo(path)
            part = image.crop(find_boxes(image.size, views)[view])
            feature = model.find_features([part]).numpy()[0]  # (F,)
            distances = np.linalg.norm(rows - feature, axis=1)
            assert distances.argmin() == number and distances[number] < 0.05 * np.linalg.norm(feature)


def test_what_is_kept_beside_the_features(tmp_path: Path, data: Path) -> None:
    precompute(settings(data, tmp_path / "store"), SILENT)
    store = load_store(tmp_path / "store")
    numbers = [number for number in range(20) if number not in (3, 11)]
    table = store.table().to_pydict()
    assert table["id"] == [f"{number:03}.jpg" for number in numbers]
    assert table["path"] == [f"images/{number:03}.jpg" for number in numbers]
    assert table["author"] == [f"author {number % 3}" for number in numbers]
    assert table["sha256"] == [
        hashlib.sha256(path.read_bytes()).hexdigest() for path in paths_of(store, data)
    ]
    assert store.latlon_deg.tolist() == [[number / 2, -number] for number in numbers]
    failures = (tmp_path / "store" / "failures.csv").read_text().splitlines()
    assert [line.split(",")[:2] for line in failures[1:]] == [
        ["images/003.jpg", "read"],
        ["images/011.jpg", "read"],
    ]
    assert verify_store(tmp_path / "store", SILENT) == []


def test_stopped_three_times_it_embeds_no_photo_twice(
    tmp_path: Path, data: Path, expected: dict[str, str], embedded: Counter[str]
) -> None:
    target = tmp_path / "store"
    embedded.clear()
    for photos in (1, 9, 14):
        with pytest.raises(StoppedError):
            precompute(settings(data, target), StopAfter(photos))
    summary = precompute(settings(data, target), SILENT)
    photos = paths_of(load_store(target), data)
    assert [embedded[digest(decode(path))] for path in photos] == [1] * 18
    assert 0 < summary.embedded < 8
    assert read_files(target) == expected


def test_a_finished_store_is_left_alone(tmp_path: Path, data: Path, expected: dict[str, str]) -> None:
    summary = precompute(settings(data, tmp_path / "whole"), SILENT)
    assert (summary.photos, summary.failed, summary.embedded) == (18, 2, 0)
    assert read_files(tmp_path / "whole") == expected


def test_other_runs_give_the_same_rows(
    tmp_path: Path, data: Path, expected: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Stopped with runs of one length and continued with another: no photo is left out or taken twice."""
    with pytest.raises(StoppedError):
        precompute(settings(data, tmp_path / "store"), StopAfter(8))
    monkeypatch.setattr(stages, "RUN_PICTURES", {"cpu": 7})
    precompute(settings(data, tmp_path / "store"), SILENT)
    files = read_files(tmp_path / "store")
    assert {name: files[name] for name in ("rows.parquet", "failures.csv", "latlon_deg.npy")} == {
        name: expected[name] for name in ("rows.parquet", "failures.csv", "latlon_deg.npy")
    }


def test_too_many_failures_stop_it_and_a_larger_limit_goes_on(
    tmp_path: Path, data: Path, expected: dict[str, str], embedded: Counter[str]
) -> None:
    with pytest.raises(EmptyResultError, match="max-failures 1 allows"):
        precompute(settings(data, tmp_path / "store", max_failures=1), SILENT)
    assert not (tmp_path / "store").exists()
    precompute(settings(data, tmp_path / "store", max_failures=2), SILENT)
    assert read_files(tmp_path / "store") == expected


def test_faults_of_the_table_count_before_anything_is_computed(
    tmp_path: Path, data: Path, embedded: Counter[str]
) -> None:
    with (data / "metadata.csv").open("a") as table:
        table.write("\nnowhere.jpg,1,2,x\n000.jpg,1,2,x\n")
    with pytest.raises(EmptyResultError, match="2 photos"):
        precompute(settings(data, tmp_path / "store", max_failures=1), SILENT)
    assert not embedded and not unfinished_folder(tmp_path / "store").exists()


def test_no_usable_photo_is_a_failure(tmp_path: Path) -> None:
    data = write_photo_set(tmp_path / "set", 3, broken=range(3))
    with pytest.raises(EmptyResultError, match="None of 3 photos"):
        precompute(settings(data, tmp_path / "store"), SILENT)
    assert not (tmp_path / "store").exists()


def test_no_listed_photo_is_a_failure(tmp_path: Path) -> None:
    data = write_photo_set(tmp_path / "set", 1)
    (data / "images" / "000.jpg").unlink()
    with pytest.raises(EmptyResultError, match="no photo"):
        precompute(settings(data, tmp_path / "store"), SILENT)


def test_appending_adds_what_is_new(tmp_path: Path, data: Path, embedded: Counter[str]) -> None:
    more = write_photo_set(tmp_path / "more", 12, first=15)  # five of them are there already
    precompute(settings(data, tmp_path / "store"), SILENT)
    embedded.clear()
    summary = precompute(settings(more, tmp_path / "store", append=True), SILENT)
    store = load_store(tmp_path / "store")
    assert (summary.embedded, summary.photos) == (7, 25)
    assert store.ids()[18:] == [f"{number:03}.jpg" for number in range(20, 27)]
    seen = [embedded[digest(decode(path))] for path in sorted((more / "images").iterdir())]
    assert seen == [0] * 5 + [1] * 7


class Vanish(StopAfter):
    """Takes the photos away once so many are done."""

    def __init__(self, photos: int, images: Path) -> None:
        super().__init__(photos)
        self.images = images

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        super().progress(done, total, failed, unit)
        if self.stop_requested and self.images.exists():
            self.images.rename(self.images.with_name("away"))
        self.stop_requested = False


@pytest.mark.parametrize("listed", ["table", "folder"])
def test_a_vanished_folder_is_no_failure_of_its_photos(tmp_path: Path, data: Path, listed: str) -> None:
    if listed == "folder":
        data = write_exif_set(tmp_path / "camera")
    precompute(settings(data, tmp_path / "whole"), SILENT)
    images = data / "images"
    with pytest.raises(NotFoundError, match="gone"):
        precompute(settings(data, tmp_path / "store"), Vanish(6, images))
    images.with_name("away").rename(images)
    precompute(settings(data, tmp_path / "store"), SILENT)
    assert read_files(tmp_path / "store") == read_files(tmp_path / "whole")


def write_exif_set(folder: Path) -> Path:
    from tests.photos import pictures

    write_photo_set(folder)
    (folder / "metadata.csv").unlink()
    for path in (folder / "images").iterdir():
        _, image = read_photo(path)
        pictures.jpeg(path, image, exif=pictures.exif(gps=pictures.PARIS_GPS))
    return folder


def test_features_that_no_store_can_hold_fail_their_photo(
    tmp_path: Path, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    find_features = GeoModel.find_features_of_levels

    def spoil(self: GeoModel, levels: torch.Tensor) -> torch.Tensor:
        features = find_features(self, levels).clone()
        features[0] = 1e6  # half precision has no such number
        return features

    monkeypatch.setattr(GeoModel, "find_features_of_levels", spoil)
    summary = precompute(settings(data, tmp_path / "store"), SILENT)
    assert (summary.photos, summary.failed) == (8, 12)
    assert "encode" in (tmp_path / "store" / "failures.csv").read_text()


def test_a_dry_run_looks_and_writes_nothing(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str], embedded: Counter[str]
) -> None:
    before = sorted(tmp_path.rglob("*"))
    command.run(settings(data, tmp_path / "store", dry_run=True, format="json"), SILENT)
    told = json.loads(capsys.readouterr().out)
    assert told["data"]["photos"] == 20 and told["store"] is None
    assert told["estimate"]["seconds"] > 0 and 0 < told["estimate"]["disk_mb"] < 1
    assert sorted(tmp_path.rglob("*")) == before
    command.run(settings(data, tmp_path / "store", dry_run=True), SILENT)
    assert "20 photos" in capsys.readouterr().out


def test_the_command_tells_what_came_of_it(
    tmp_path: Path, home: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command.run(settings(data, None, format="json"), SILENT)
    told = json.loads(capsys.readouterr().out)["store"]
    assert (told["photos"], told["failed"], told["embedded"]) == (18, 2, 18)
    assert Path(told["folder"]) == home / "features" / "tiny-set"
    assert Path(told["failures_file"]).is_file()
    command.run(settings(data, tmp_path / "again"), SILENT)
    lines = capsys.readouterr().out
    assert "18 photos in" in lines and "2 failed" in lines and "photos per second" in lines


def test_an_address_needs_the_engine_for_it(tmp_path: Path, data: Path) -> None:
    with pytest.raises(UsageError, match="--engine ray"):
        precompute(settings(data, tmp_path / "store", address="127.0.0.1:6379"), SILENT)


def start(data: Path, target: Path) -> subprocess.Popen[bytes]:
    arguments = ["precompute", str(data), "--model", "tiny", "--device", "cpu", "--out", str(target)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [sys.executable, "-m", "geotool", *arguments], cwd=PROJECT_DIR, env=environment,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def journal_sizes(target: Path, process: subprocess.Popen[bytes]) -> Iterator[int]:
    """Bytes of the journal, as long as the process runs."""
    while process.poll() is None:
        journal = next(unfinished_folder(target).glob("journal*"), None)
        yield journal.stat().st_size if journal else 0
        time.sleep(0.002)


@pytest.mark.slow
def test_killed_again_and_again_it_ends_with_the_same_bytes(tmp_path: Path) -> None:
    data = write_photo_set(tmp_path / "set", 400, broken=(50, 200))
    assert start(data, tmp_path / "whole").wait(200) == 0
    kills = 0
    while kills < 4:
        process = start(data, tmp_path / "store")
        sizes = journal_sizes(tmp_path / "store", process)
        first = next(sizes, 0)
        if any(size > first for size in sizes):
            process.send_signal(signal.SIGKILL)
            kills += process.wait() == -signal.SIGKILL
        else:
            break  # it has finished
    assert kills > 0
    assert start(data, tmp_path / "store").wait(200) == 0
    assert read_files(tmp_path / "store") == read_files(tmp_path / "whole")
