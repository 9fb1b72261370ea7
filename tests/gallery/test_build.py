"""build_gallery_from_points: what becomes of every row, and the same bytes whatever interrupts it."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geotool.core.errors import EmptyResultError, MismatchError, NotFoundError, StoppedError, UsageError
from geotool.core.report import SilentReport
from geotool.core.sphere import to_xyz
from geotool.gallery import buckets, hierarchy, unfinished
from geotool.gallery.build import BuildSummary, build_gallery_from_points
from geotool.gallery.gallery import build_gallery, load_gallery
from geotool.gallery.point_store import merge_equal
from geotool.gallery.search_plan import open_search
from tests.fakes import StopAt

N = 900


@dataclass
class SphereModel:
    """Encodes a point as its unit vector, padded: close points are close."""

    name: str = "sphere"
    fingerprint: str = "f1"
    dim: int = 8
    encoded: int = 0

    def encode_locations(self, latlon_deg: np.ndarray) -> np.ndarray:
        self.encoded += len(latlon_deg)
        return np.pad(to_xyz(latlon_deg), ((0, 0), (0, self.dim - 3))).astype(np.float32)


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten chunks and several buckets out of few points."""
    monkeypatch.setattr("geotool.gallery.build.CHUNK", 90)
    monkeypatch.setattr(buckets, "BUCKET_BYTES", 28 * 200)


def random_points(n: int = N, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.stack([rng.uniform(-90, 90, n), rng.uniform(-180, 180, n)], axis=1).astype(np.float32)


@pytest.fixture
def points_file(tmp_path: Path) -> Path:
    np.save(tmp_path / "points.npy", random_points())
    return tmp_path / "points.npy"


def run(source: Path, folder: Path, report: Any = None, **options: Any) -> BuildSummary:
    model = options.pop("model", None) or SphereModel()
    return build_gallery_from_points(model, source, folder, report or SilentReport(), **options)


def read_files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if file.name != "meta.json"}


def write_table(path: Path, *rows: str) -> Path:
    path.write_text("lat,lon\n" + "\n".join(rows))
    return path


def test_it_is_the_gallery_that_is_built_in_memory(points_file: Path, tmp_path: Path) -> None:
    summary = run(points_file, tmp_path / "streamed")
    assert summary == BuildSummary(folder=tmp_path / "streamed", points=N, rejected=0, duplicates_merged=0)
    build_gallery(SphereModel(), random_points(), tmp_path / "memory", SilentReport())
    assert read_files(tmp_path / "streamed") == read_files(tmp_path / "memory")
    streamed, memory = (load_gallery(tmp_path / name) for name in ("streamed", "memory"))
    assert streamed.meta.inputs["coordinates"] == memory.meta.inputs["coordinates"]
    assert {entry.name for entry in tmp_path.iterdir()} == {"points.npy", "streamed", "memory"}


def test_rows_keep_their_vectors_and_lie_in_leaf_order(points_file: Path, tmp_path: Path) -> None:
    run(points_file, tmp_path / "gallery", branching=(3, 4))
    gallery = load_gallery(tmp_path / "gallery")
    assert sorted(gallery.latlon_deg.tolist()) == sorted(random_points().tolist())
    vectors = SphereModel().encode_locations(gallery.latlon_deg).astype(np.float16)
    np.testing.assert_array_equal(gallery.vectors, vectors)
    leaves = gallery.tree.assign(vectors.astype(np.float32))
    assert (np.diff(leaves) >= 0).all()
    ends = gallery.tree.children[-gallery.tree.leaf_count :, 1]
    np.testing.assert_array_equal(ends, np.searchsorted(leaves, np.arange(len(ends)), side="right"))
    assert len(gallery.tree.cells) == 2 and gallery.tree.cells[0] == 3


def test_a_sample_is_enough_for_the_tree(
    points_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hierarchy, "_MAX_SAMPLE", 200)
    run(points_file, tmp_path / "gallery", branching=(3, 4))
    gallery = load_gallery(tmp_path / "gallery")
    assert sorted(gallery.latlon_deg.tolist()) == sorted(random_points().tolist())
    assert (np.diff(gallery.tree.assign(gallery.vectors.astype(np.float32))) >= 0).all()


def split_large_leaves(monkeypatch: pytest.MonkeyPatch) -> None:
    """Few leaves out of the sample, so that they are large."""
    monkeypatch.setattr(hierarchy, "choose_branching", lambda size: (10,))


def test_large_leaves_are_split_by_their_own_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    split_large_leaves(monkeypatch)
    np.save(tmp_path / "points.npy", random_points(2000))
    run(tmp_path / "points.npy", tmp_path / "gallery")
    gallery = load_gallery(tmp_path / "gallery")
    assert gallery.tree.cells[0] == 10 and 100 < gallery.tree.cells[1] < 200
    assert sorted(gallery.latlon_deg.tolist()) == sorted(random_points(2000).tolist())
    vectors = gallery.vectors.astype(np.float32)
    for centroid, (first, last) in zip(gallery.tree.centroids[10:], gallery.tree.children[10:], strict=True):
        mean = vectors[first:last].mean(axis=0)
        np.testing.assert_allclose(centroid, mean / np.linalg.norm(mean), atol=1e-3)
    exact = open_search(gallery, "cpu", "exact").search(vectors[:50], 5)
    found = open_search(gallery, "cpu", beam=gallery.tree.leaf_count).search(vectors[:50], 5)
    np.testing.assert_array_equal(found.rows, exact.rows)
    assert gallery.plan.chosen.comparisons < 300


def test_every_row_is_counted(tmp_path: Path) -> None:
    rows = ["1,2", "nan,2", "1,2.0", "", "north,3", "-0,180", "0,-180", "99,3", "1.00000001,2", "4,5"]
    summary = run(write_table(tmp_path / "points.csv", *rows), tmp_path / "gallery")
    assert (summary.points, summary.rejected, summary.duplicates_merged) == (3, 3, 3)
    assert summary.rejected_file is not None
    with open(summary.rejected_file, newline="", encoding="utf-8") as file:
        listed = list(csv.reader(file))
    assert listed[0] == ["row", "text", "reason"]
    assert [row[:2] for row in listed[1:]] == [["3", "nan, 2"], ["6", "north, 3"], ["9", "99, 3"]]
    gallery = load_gallery(tmp_path / "gallery")
    assert sorted(gallery.latlon_deg.tolist()) == [[0, -180], [1, 2], [4, 5]]


def test_equal_points_are_merged_and_the_first_stays() -> None:
    points = random_points(500)
    repeated = np.concatenate([points, points[::-1], points[:7]])
    np.testing.assert_array_equal(merge_equal(repeated), points)


@pytest.mark.parametrize("rows", [["48.85,2.35"], ["48.85,2.35"] * 50])
def test_one_point_is_a_gallery(tmp_path: Path, rows: list[str]) -> None:
    summary = run(write_table(tmp_path / "points.csv", *rows), tmp_path / "gallery")
    assert summary.points == 1 and summary.duplicates_merged == len(rows) - 1
    assert load_gallery(tmp_path / "gallery").location(0).lat == pytest.approx(48.85)


class Observer(SilentReport):
    """Calls back at every word of progress and every event."""

    def __init__(self, act: Callable[[str], None]) -> None:
        self.act = act

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        self.act(unit)

    def event(self, name: str, **values: Any) -> None:
        self.act(name)


@pytest.fixture(params=["leaves of a few rows", "leaves that are split once more"])
def expected(
    points_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> dict[str, bytes]:
    """The files of a build that nothing interrupts."""
    if "split" in request.param:
        split_large_leaves(monkeypatch)
    run(points_file, tmp_path / "whole")
    return read_files(tmp_path / "whole")


def test_stopped_at_every_step_it_ends_the_same(
    points_file: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    for step in range(1, 100):  # each run goes a step further than the last one, from where that was
        try:
            run(points_file, tmp_path / "gallery", StopAt(step))
            break
        except StoppedError as error:
            assert "same command" in error.hint and not (tmp_path / "gallery").exists()
    assert step > 5
    assert read_files(tmp_path / "gallery") == expected


@pytest.mark.parametrize("counts", [True, False])
def test_killed_around_every_save_it_ends_the_same(
    points_file: Path,
    tmp_path: Path,
    expected: dict[str, bytes],
    monkeypatch: pytest.MonkeyPatch,
    counts: bool,
) -> None:
    """Killed just before the state says what was done, or just after."""
    write_json, saves = unfinished.write_json, [0]

    def write_or_die(path: Path, value: Any) -> None:
        saves[0] -= 1
        if saves[0] == 0 and not counts:
            raise KeyboardInterrupt
        write_json(path, value)
        if saves[0] == 0:
            raise KeyboardInterrupt

    monkeypatch.setattr(unfinished, "write_json", write_or_die)
    for step in range(1, 100):
        saves[0] = step
        try:
            run(points_file, tmp_path / "gallery")
            break
        except KeyboardInterrupt:
            assert not (tmp_path / "gallery").exists()
    assert step > 5
    assert read_files(tmp_path / "gallery") == expected


def test_a_copy_of_the_unfinished_work_ends_the_same(
    points_file: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    copies: dict[str, Path] = {}

    def copy(stage: str) -> None:  # the last moment of each stage is kept
        work = unfinished.unfinished_folder(tmp_path / "gallery")
        copies[stage] = tmp_path / f".{stage.replace(' ', '-')}-unfinished"
        shutil.rmtree(copies[stage], ignore_errors=True)
        shutil.copytree(work, copies[stage])

    run(points_file, tmp_path / "gallery", Observer(copy))
    assert {"rows", "points of a sample", "points", "points sorted"} <= set(copies)
    for stage, folder in copies.items():
        target = tmp_path / folder.name[1:].removesuffix("-unfinished")
        run(points_file, target)
        assert read_files(target) == expected, stage


def test_what_a_killed_write_left_is_cut_off(
    points_file: Path, tmp_path: Path, expected: dict[str, bytes]
) -> None:
    def stop(unit: str) -> None:
        if unit == "points":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(points_file, tmp_path / "gallery", Observer(stop))
    files = list(unfinished.unfinished_folder(tmp_path / "gallery").glob("bucket-*"))
    assert files
    for file in files:
        file.write_bytes(file.read_bytes() + b"half a record")
    run(points_file, tmp_path / "gallery")
    assert read_files(tmp_path / "gallery") == expected


def test_zeros_of_a_power_cut_are_refused(points_file: Path, tmp_path: Path) -> None:
    def spoil(unit: str) -> None:
        files = list(unfinished.unfinished_folder(tmp_path / "gallery").glob("bucket-*"))
        if unit == "points" and sum(file.stat().st_size for file in files) == N * 28:
            files[0].write_bytes(bytes(len(files[0].read_bytes())))

    with pytest.raises(MismatchError, match="damaged"):
        run(points_file, tmp_path / "gallery", Observer(spoil))


def test_going_on_encodes_no_point_twice(points_file: Path, tmp_path: Path) -> None:
    with pytest.raises(StoppedError):
        run(points_file, tmp_path / "gallery", StopAt(15))  # after reading and sampling, in the encoding
    model = SphereModel()
    run(points_file, tmp_path / "gallery", model=model)
    asked = SphereModel()
    run(points_file, tmp_path / "whole", model=asked)
    assert model.encoded == asked.encoded - N  # the sample, which is all points, was there


def test_other_points_or_weights_start_anew(points_file: Path, tmp_path: Path) -> None:
    said: list[str] = []
    with pytest.raises(StoppedError):
        run(points_file, tmp_path / "gallery", StopAt(15))
    np.save(points_file, random_points(seed=1))
    run(points_file, tmp_path / "gallery", Observer(said.append))
    assert "started anew" in said
    assert sorted(load_gallery(tmp_path / "gallery").latlon_deg.tolist()) == sorted(
        random_points(seed=1).tolist()
    )
    run(points_file, tmp_path / "gallery", model=SphereModel(fingerprint="f2"))
    assert load_gallery(tmp_path / "gallery").meta.inputs["model"] == "f2"


def test_a_finished_gallery_is_not_built_again(points_file: Path, tmp_path: Path) -> None:
    first, model = run(points_file, tmp_path / "gallery"), SphereModel()
    assert run(points_file, tmp_path / "gallery", model=model) == first
    assert model.encoded == 0


def test_other_folders_and_files_are_left_alone(points_file: Path, tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    with pytest.raises(NotFoundError, match=r"no gallery in .*--out"):
        run(points_file, tmp_path / "letters")
    with pytest.raises(UsageError, match="is a file"):
        run(points_file, points_file)
    assert (tmp_path / "letters" / "dear.txt").exists()


def test_useless_files_leave_nothing_behind(tmp_path: Path) -> None:
    table = write_table(tmp_path / "points.csv", "x,1")
    with pytest.raises(EmptyResultError, match="row 2"):
        run(table, tmp_path / "gallery")
    with pytest.raises(UsageError, match="swapped"):
        run(write_table(table, "139.7,35.7"), tmp_path / "gallery")
    with pytest.raises(NotFoundError):
        run(tmp_path / "none.csv", tmp_path / "gallery")
    assert list(tmp_path.iterdir()) == [table]


def test_a_disk_that_is_too_small_is_told_before_the_work(
    points_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = shutil.disk_usage(tmp_path)._replace(free=1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: free)
    with pytest.raises(UsageError, match="free"):
        run(points_file, tmp_path / "gallery")


def test_the_artefact_says_what_it_was_made_from(points_file: Path, tmp_path: Path) -> None:
    run(points_file, tmp_path / "gallery")
    meta = json.loads((tmp_path / "gallery" / "meta.json").read_text())
    assert meta["config"] == {"source": "points.npy", "points": N, "rejected": 0, "duplicates_merged": 0}
    assert set(meta["inputs"]) == {"model", "source", "branching", "coordinates"}
