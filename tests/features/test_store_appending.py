"""Appending to a finished store: old rows stay where they are, known photos are left out."""

from __future__ import annotations

import csv
import dataclasses
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from geotool.core.errors import MismatchError, StoppedError, UsageError
from geotool.core.records import ItemError
from geotool.core.report import SilentReport
from geotool.features import appending, writer
from geotool.features.blocks import Block
from geotool.features.store import FeatureStore, load_store
from geotool.features.verify import verify_store
from tests.fakes import StopAt
from tests.features.deaths import Killed, write_with_deaths
from tests.features.stores import BLOCKS, INPUTS, VIEWS, make_block, open_store, read_files, write_store

MORE = [make_block(number, photos, 1, "more") for number, photos in [(0, 4), (1, 0), (2, 9)]]


@pytest.fixture(autouse=True)
def small_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files and several lines of the journal out of few rows, on a disk that takes no time."""
    monkeypatch.setattr(writer, "SHARD_ROWS", 8)
    monkeypatch.setattr(appending, "_ROWS", 10)
    monkeypatch.setattr(os, "fsync", lambda _: None)


def append_to(target: Path, blocks: Iterable[Block] = MORE, data: str = "d2", **changes: Any) -> FeatureStore:
    return load_store(write_store(target, blocks, append=True, data=data, **changes))


def failed_paths(store: FeatureStore) -> list[str]:
    with open(store.folder / "failures.csv", newline="", encoding="utf-8") as file:
        return [row[0] for row in csv.reader(file)][1:]


@pytest.mark.parametrize("blocks", [BLOCKS[:1], BLOCKS[:3], BLOCKS])  # 5, 16 (two full files) and 52 rows
def test_the_old_rows_come_first(tmp_path: Path, blocks: list[Block]) -> None:
    write_store(tmp_path / "store", blocks)
    store, both = append_to(tmp_path / "store"), [*blocks, *MORE]
    assert store.ids() == [id for block in both for id in block.ids]
    for view in range(VIEWS):
        features = np.concatenate([block.features[:, view] for block in both])
        np.testing.assert_array_equal(store.read(np.arange(len(store)), view), features)
    np.testing.assert_array_equal(store.latlon_deg, np.concatenate([block.latlon_deg for block in both]))
    assert store.meta.inputs == {**INPUTS, "data": "d1+d2"}
    assert failed_paths(store) == [failure.path for block in both for failure in block.failures]
    assert verify_store(tmp_path / "store", SilentReport()) == []
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_it_is_what_one_run_over_both_would_have_written(tmp_path: Path) -> None:
    write_store(tmp_path / "store")
    append_to(tmp_path / "store")
    write_store(tmp_path / "whole", [*BLOCKS, *MORE], data="d1+d2")
    assert read_files(tmp_path / "store") == read_files(tmp_path / "whole")


def test_full_files_are_shared_with_the_old_store_while_it_lasts(tmp_path: Path) -> None:
    files = sorted(write_store(tmp_path / "store").glob("features-*.npy"))
    before = [file.stat().st_ino for file in files]
    append_to(tmp_path / "store")
    after = [file.stat().st_ino for file in files]
    assert before[:-1] == after[:-1] and before[-1] != after[-1]  # the last one was not full


def test_the_old_store_stays_as_it_is_until_the_new_one_is_finished(tmp_path: Path) -> None:
    files = read_files(write_store(tmp_path / "store"))
    with open_store(tmp_path / "store", append=True, data="d2") as begun:
        begun.append(MORE[0])
        assert read_files(tmp_path / "store") == files


def test_known_photos_are_told_and_refused(tmp_path: Path) -> None:
    write_store(tmp_path / "store", BLOCKS[:3])
    for blocks_done in (0, 1):  # also after going on
        with open_store(tmp_path / "store", append=True, data="d2") as begun:
            assert (begun.blocks_done, begun.rows_before, begun.rows) == (
                blocks_done,
                16,
                16 + 4 * blocks_done,
            )
            assert begun.is_known("photo-2-1") and not begun.is_known("more-0-1")
            with pytest.raises(UsageError, match="Two photos have the id photo-0-0"):
                begun.append(BLOCKS[0])
            if not blocks_done:
                begun.append(MORE[0])


def test_the_same_again_changes_no_byte(tmp_path: Path) -> None:
    write_store(tmp_path / "store")
    append_to(tmp_path / "store")
    files = read_files(tmp_path / "store")
    known = [dataclasses.replace(make_block(0, 0, 0), failures=block.failures) for block in MORE]
    append_to(tmp_path / "store", known)
    assert read_files(tmp_path / "store") == files


def test_a_repaired_photo_is_no_failure_any_more(tmp_path: Path) -> None:
    store = load_store(write_store(tmp_path / "store", BLOCKS[:3]))
    repaired, broken, rest = failed_paths(store)
    block = dataclasses.replace(
        make_block(50, 1),
        paths=[repaired],
        failures=[ItemError(path=broken, stage="encode", message="Still not.")],
    )
    store = append_to(tmp_path / "store", [block], data="d1")
    assert failed_paths(store) == [rest, broken]
    assert store.meta.config["failed"] == 2 and store.meta.inputs == INPUTS


def test_killed_at_every_step_it_ends_the_same(tmp_path: Path) -> None:
    write_store(tmp_path / "expected")
    append_to(tmp_path / "expected")
    write_store(tmp_path / "store")

    def write() -> None:
        """As a caller who knows nothing of the run before: leaves out what is known, tries failures again."""
        with open_store(tmp_path / "store", append=True, data="d2") as begun:
            for block in MORE[begun.blocks_done :]:
                is_known = any(map(begun.is_known, block.ids))
                begun.append(
                    dataclasses.replace(make_block(0, 0), failures=block.failures) if is_known else block
                )
            begun.finish()

    assert write_with_deaths(write, Killed()) > 10
    assert read_files(tmp_path / "store") == read_files(tmp_path / "expected")
    assert {entry.name for entry in tmp_path.iterdir()} == {"store", "expected"}
    assert verify_store(tmp_path / "store", SilentReport()) == []


def test_stopped_while_taking_over_it_ends_the_same(tmp_path: Path) -> None:
    write_store(tmp_path / "expected")
    expected = append_to(tmp_path / "expected")
    write_store(tmp_path / "store")
    for step in range(1, 20):
        with pytest.raises(StoppedError):
            append_to(tmp_path / "store", report=StopAt(step))
    append_to(tmp_path / "store")
    assert read_files(tmp_path / "store") == read_files(expected.folder)


def test_another_model_is_refused(tmp_path: Path) -> None:
    files = read_files(write_store(tmp_path / "store"))
    with pytest.raises(MismatchError, match="model m1, but m2"):
        append_to(tmp_path / "store", model="m2")
    with pytest.raises(MismatchError, match=r"\(2, 3\), not \(1, 3\)"):
        writer.open_writer(tmp_path / "store", INPUTS, {}, 1, 3, SilentReport(), append=True)
    assert read_files(tmp_path / "store") == files
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_a_damaged_store_is_not_built_upon(tmp_path: Path) -> None:
    file = write_store(tmp_path / "store") / "features-00001.npy"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    with pytest.raises(MismatchError, match=r"damaged.*features verify"):
        append_to(tmp_path / "store")


def test_appending_to_nothing_begins(tmp_path: Path) -> None:
    append_to(tmp_path / "store", BLOCKS, data="d1")
    write_store(tmp_path / "plain")
    assert read_files(tmp_path / "store") == read_files(tmp_path / "plain")
