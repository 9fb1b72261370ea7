"""What was written is what is read: rows, views, names, in any order and in other processes."""

from __future__ import annotations

import copy
import csv
import multiprocessing
import pickle
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geotool.core.errors import MismatchError, NotFoundError
from geotool.features import writer
from geotool.features.store import FeatureStore, load_store
from tests.features.stores import BLOCKS, DIM, INPUTS, ROWS, VIEWS, make_block, open_store, write_store

FEATURES = np.concatenate([block.features for block in BLOCKS])  # (N, V, F)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> FeatureStore:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "SHARD_ROWS", 8)
        return load_store(write_store(tmp_path_factory.mktemp("stores") / "store"))


def test_row_i_of_everything_is_row_i_of_all(store: FeatureStore) -> None:
    assert (len(store), store.views, store.dim) == (ROWS, VIEWS, DIM)
    table = store.table().to_pydict()
    for name, column in (("id", "ids"), ("path", "paths"), ("author", "authors"), ("sha256", "sha256s")):
        assert table[name] == [value for block in BLOCKS for value in getattr(block, column)]
    np.testing.assert_array_equal(store.latlon_deg, np.concatenate([block.latlon_deg for block in BLOCKS]))
    for view in range(VIEWS):
        np.testing.assert_array_equal(store.read(np.arange(ROWS), view), FEATURES[:, view])
    assert store.ids() == table["id"]


def test_the_files_are_plain_arrays_of_equal_length(store: FeatureStore) -> None:
    paths = sorted(store.folder.glob("features-*.npy"))
    arrays = [np.load(path, allow_pickle=False) for path in paths]
    assert [len(array) for array in arrays] == [8] * (ROWS // 8) + [ROWS % 8]
    np.testing.assert_array_equal(np.concatenate(arrays), FEATURES)
    assert {file.name for file in store.folder.iterdir()} == {
        *(path.name for path in paths), "latlon_deg.npy", "rows.parquet", "failures.csv", "meta.json",
    }  # fmt: skip


@given(rows=st.lists(st.integers(0, ROWS - 1), max_size=60), view=st.integers(0, VIEWS - 1))
def test_rows_come_in_the_order_asked_for(store: FeatureStore, rows: list[int], view: int) -> None:
    found = store.read(np.array(rows, np.int64), view)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, FEATURES[rows, view])


@pytest.mark.parametrize("rows", [[-1], [ROWS], [0, ROWS + 3]])
def test_rows_that_are_not_there_are_refused(store: FeatureStore, rows: list[int]) -> None:
    with pytest.raises(IndexError):
        store.read(np.array(rows))
    with pytest.raises(IndexError):
        store.read(np.array([0]), VIEWS)


def test_failures_are_listed_with_stage_and_reason(store: FeatureStore) -> None:
    with open(store.folder / "failures.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file))
    wanted = [[f.path, f.stage, f.message] for block in BLOCKS for f in block.failures]
    assert rows == [["path", "stage", "reason"], *wanted]
    assert store.meta.config["failed"] == len(wanted) and store.meta.inputs == INPUTS


def test_names_of_any_bytes_can_be_stored(tmp_path: Path) -> None:
    odd = b"caf\xe9.jpg".decode("utf-8", "surrogateescape")
    block = make_block(0, 2, 1)
    block = type(block)(
        ids=["Ä\n,", odd], paths=["a", odd], authors=[odd, None], sha256s=block.sha256s,
        latlon_deg=block.latlon_deg, features=block.features,
    )  # fmt: skip
    store = load_store(write_store(tmp_path / "store", [block]))
    assert store.ids() == ["Ä\n,", "caf\\udce9.jpg"]


def test_pickled_it_is_its_folder(store: FeatureStore, tmp_path: Path) -> None:
    assert len(pickle.dumps(store)) < 500
    old = load_store(write_store(tmp_path / "store", BLOCKS[:2]))
    write_store(tmp_path / "store", [make_block(77)], append=True, data="d2")
    with pytest.raises(MismatchError, match="now"):  # copied as pickled
        copy.copy(old)


@pytest.mark.slow
def test_several_processes_read_it(store: FeatureStore) -> None:
    parts = [np.array([5, 1, 50]), np.array([7]), np.arange(ROWS)]
    with ProcessPoolExecutor(2, multiprocessing.get_context("spawn")) as processes:
        for rows, found in zip(parts, processes.map(store.read, parts), strict=True):
            np.testing.assert_array_equal(found, FEATURES[rows, 0])


def test_what_is_no_store_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="precompute DATA --out"):
        load_store(tmp_path / "none")
    with open_store(tmp_path / "begun") as begun:
        begun.append(BLOCKS[0])
    with pytest.raises(NotFoundError, match="unfinished"):
        load_store(tmp_path / "begun")


@pytest.mark.parametrize("name", ["features-00000.npy", "latlon_deg.npy"])
def test_short_and_missing_files_are_refused(tmp_path: Path, name: str) -> None:
    file = write_store(tmp_path / "store", BLOCKS[:3]) / name
    file.write_bytes(file.read_bytes()[:-1])
    with pytest.raises(MismatchError, match="damaged"):
        load_store(tmp_path / "store")
    file.unlink()
    with pytest.raises(MismatchError, match="damaged"):
        load_store(tmp_path / "store")
