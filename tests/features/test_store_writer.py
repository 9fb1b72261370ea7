"""Writing a store: whatever interrupts it, the same calls end with the same bytes."""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import os
import re
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geotool.core.artifacts import unfinished_folder
from geotool.core.errors import EmptyResultError, GeotoolError, MismatchError, NotFoundError, UsageError
from geotool.core.report import SilentReport
from geotool.features import writer
from geotool.features.verify import verify_store
from geotool.features.writer import find_finished
from tests.fakes import StopAt
from tests.features.deaths import Killed, die_at, write_with_deaths
from tests.features.stores import BLOCKS, INPUTS, ROWS, make_block, open_store, read_files, write_store

quick = settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several files out of few rows, on a disk that takes no time."""
    monkeypatch.setattr(writer, "SHARD_ROWS", 8)
    monkeypatch.setattr(os, "fsync", lambda _: None)


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The files of a store that nothing interrupts, meta.json among them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(writer, "SHARD_ROWS", 8)
        return read_files(write_store(tmp_path_factory.mktemp("whole") / "store"))


def begin(target: Path, blocks: int) -> None:
    """Write the first blocks and stop."""
    with open_store(target) as begun:
        for block in BLOCKS[begun.blocks_done : blocks]:
            begun.append(block)


def test_it_leaves_nothing_but_the_store(tmp_path: Path) -> None:
    write_store(tmp_path / "store")
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]
    assert verify_store(tmp_path / "store", SilentReport()) == []


def test_equal_inputs_give_equal_bytes(tmp_path: Path, expected: dict[str, str]) -> None:
    assert read_files(write_store(tmp_path / "again")) == expected


@quick
@given(st.lists(st.integers(0, len(BLOCKS)), max_size=6))
def test_stopped_between_blocks_it_ends_the_same(
    tmp_path_factory: pytest.TempPathFactory, expected: dict[str, str], stops: list[int]
) -> None:
    target, done = tmp_path_factory.mktemp("stopped") / "store", 0
    for stop in stops:
        begin(target, stop)
        done = max(done, stop)
        with open_store(target) as begun:
            assert begun.blocks_done == done
            assert begun.rows == sum(map(len, BLOCKS[:done]))
            assert begun.failed == sum(len(block.failures) for block in BLOCKS[:done])
    assert read_files(write_store(target)) == expected


@quick
@given(data=st.data())
def test_cut_or_spoilt_anywhere_it_ends_the_same(
    tmp_path_factory: pytest.TempPathFactory, expected: dict[str, str], data: st.DataObject
) -> None:
    """The files of a killed or powerless writer: short, with a tail that does not count, or with zeros."""
    target = tmp_path_factory.mktemp("spoilt") / "store"
    begin(target, data.draw(st.integers(1, len(BLOCKS)), "blocks"))
    files = sorted(f for f in unfinished_folder(target).rglob("*") if f.is_file() and f.name != "lock")
    for file in data.draw(st.lists(st.sampled_from(files), max_size=3, unique=True), "files"):
        content = file.read_bytes()
        at = data.draw(st.integers(0, len(content)), "at")
        ways = [content[:at], content[:at] + bytes(len(content) - at), content + b"x" * (at + 1), None]
        way = data.draw(st.sampled_from(ways), "way")
        file.unlink() if way is None else file.write_bytes(way)
    assert read_files(write_store(target)) == expected


def test_killed_at_every_step_it_ends_the_same(tmp_path: Path, expected: dict[str, str]) -> None:
    assert write_with_deaths(lambda: write_store(tmp_path / "store"), Killed()) > 5
    assert read_files(tmp_path / "store") == expected
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_killed_once_at_each_step_it_ends_the_same(tmp_path: Path, expected: dict[str, str]) -> None:
    for step in range(1, 400):
        with pytest.MonkeyPatch.context() as patch:
            left, target = die_at(patch, step, Killed()), tmp_path / str(step)
            with contextlib.suppress(Killed):
                write_store(target)
        assert read_files(write_store(target)) == expected
        if left[0] > 0:
            break
        shutil.rmtree(target)
    assert step > 3 * len(BLOCKS)


@pytest.mark.parametrize("number, words", [(errno.ENOSPC, "is full.*Free some space"), (errno.EIO, "cannot")])
def test_a_full_disk_loses_nothing(tmp_path: Path, expected: dict[str, str], number: int, words: str) -> None:
    target, step, told = tmp_path / "store", 0, 0
    with open_store(target) as begun:
        while begun.blocks_done < len(BLOCKS):  # the same writer tries again
            step += 1
            with pytest.MonkeyPatch.context() as patch:
                die_at(patch, step % 7, OSError(number, os.strerror(number)))
                try:
                    begun.append(BLOCKS[begun.blocks_done])
                except GeotoolError as error:
                    told += 1
                    assert re.search(words, str(error)) and error.exit_code == 1
        assert told > 3
    assert write_with_deaths(lambda: write_store(target), OSError(number, os.strerror(number))) > 3
    assert read_files(target) == expected


def test_a_working_folder_that_vanishes_is_told_and_begun_anew(
    tmp_path: Path, expected: dict[str, str]
) -> None:
    target = tmp_path / "store"
    with open_store(target) as begun:
        begun.append(BLOCKS[0])
        shutil.rmtree(unfinished_folder(target))
        for call in (lambda: begun.append(BLOCKS[2]), begun.finish):
            with pytest.raises(GeotoolError, match=r"cannot be written.*same command"):
                call()
    assert read_files(write_store(target)) == expected


def test_a_file_cut_under_a_running_writer_is_noticed(tmp_path: Path, expected: dict[str, str]) -> None:
    target = tmp_path / "store"
    with open_store(target) as begun:
        begun.append(BLOCKS[0])
        os.truncate(unfinished_folder(target) / "store" / "features-00000.npy", 0)
        with pytest.raises(MismatchError, match="shorter"):
            begun.append(BLOCKS[2])
    assert read_files(write_store(target)) == expected


def test_stopped_while_finishing_it_ends_the_same(tmp_path: Path, expected: dict[str, str]) -> None:
    for step in range(1, 100):
        try:
            write_store(tmp_path / "store", report=StopAt(step))
            break
        except GeotoolError as error:
            assert error.exit_code == 130
    assert step > 5
    assert read_files(tmp_path / "store") == expected


CHILD = """
import os, signal, sys
from pathlib import Path
from geotool.features import writer
from tests.features.stores import write_store

left, flush = int(sys.argv[2]), os.fsync

def flush_or_die(descriptor):
    global left
    left -= 1
    if left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    flush(descriptor)

os.fsync, writer.SHARD_ROWS = flush_or_die, 8
write_store(Path(sys.argv[1]))
"""


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="the system has no SIGKILL")
def test_killed_for_real_it_ends_the_same(tmp_path: Path, expected: dict[str, str]) -> None:
    target, kills, steps = tmp_path / "store", 0, iter(np.random.default_rng(0).integers(4, 16, 40).tolist())
    while not target.exists():
        arguments = [sys.executable, "-c", CHILD, str(target), str(next(steps))]
        kills += subprocess.run(arguments, cwd=Path(__file__).parents[2]).returncode == -signal.SIGKILL
    assert kills > 3
    assert read_files(target) == expected
    assert [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_two_writers_are_one_too_many(tmp_path: Path) -> None:
    with open_store(tmp_path / "store"), pytest.raises(UsageError, match="Another process"):
        open_store(tmp_path / "store")
    write_store(tmp_path / "store")


def test_other_inputs_start_anew_and_say_so(tmp_path: Path) -> None:
    said: list[dict[str, Any]] = []

    class Listener(SilentReport):
        def event(self, name: str, **values: Any) -> None:
            said.append({"name": name, **values})

    begin(tmp_path / "store", 3)
    with open_store(tmp_path / "store", Listener(), model="m2", data="d2") as begun:
        assert begun.blocks_done == begun.rows == 0
    assert said == [{"name": "started anew", "because": "other model and data"}]
    with open_store(tmp_path / "store", Listener(), model="m2", data="d2") as begun:
        begun.append(BLOCKS[0])
    with open_store(tmp_path / "store", Listener(), model="m2", data="d2") as begun:
        assert begun.blocks_done == 1
    assert said[-1]["name"] == "going on where it was stopped"


def test_a_finished_store_is_found_and_not_replaced_by_another(tmp_path: Path) -> None:
    target = tmp_path / "store"
    assert find_finished(target, INPUTS) is None
    begin(target, 3)
    assert find_finished(target, INPUTS) is None
    files = read_files(write_store(target))
    found = find_finished(target, INPUTS)
    assert found is not None and len(found) == ROWS
    assert find_finished(target, {**INPUTS, "data": "d2"}) is None
    with pytest.raises(MismatchError, match=r"other data.*--append"):
        open_store(target, data="d2")
    assert read_files(target) == files and [entry.name for entry in tmp_path.iterdir()] == ["store"]


def test_other_folders_and_files_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "letters" / "dear.txt").write_text("Dear")
    for call in (lambda path: open_store(path), lambda path: find_finished(path, INPUTS)):
        with pytest.raises(NotFoundError, match=r"no features in .*--out"):
            call(tmp_path / "letters")
        with pytest.raises(UsageError, match="is a file"):
            call(tmp_path / "letters" / "dear.txt")
    assert [entry.name for entry in tmp_path.iterdir()] == ["letters"]


def test_a_store_without_photos_is_none(tmp_path: Path) -> None:
    with open_store(tmp_path / "store") as begun:
        begun.append(make_block(0, photos=0, failures=2))
        with pytest.raises(EmptyResultError, match=r"None of 2 photos.*bad-0.*no picture"):
            begun.finish()
    assert list(tmp_path.iterdir()) == []


def changed(**values: Any) -> Any:
    return dataclasses.replace(make_block(0), **values)


def with_value(name: str, row: int, value: float) -> Any:
    array = getattr(make_block(0), name).copy()
    array[row] = value
    return changed(**{name: array})


@pytest.mark.parametrize(
    "block, error, words",
    [
        (with_value("features", 3, np.nan), UsageError, "photo-0-3 has features that are not finite"),
        (with_value("features", 1, np.inf), UsageError, "photo-0-1 has features that are not finite"),
        (with_value("features", 2, 0), UsageError, "photo-0-2 has features that are all zero"),
        (with_value("latlon_deg", 4, 180), UsageError, "photo-0-4 has coordinates out of range"),
        (with_value("latlon_deg", 0, np.nan), UsageError, "photo-0-0 has coordinates out of range"),
        (changed(features=make_block(0).features[:, :, :2]), MismatchError, r"\(5, 2, 2\)"),
        (changed(features=make_block(0).features.astype(np.float32)), MismatchError, "float32"),
        (changed(latlon_deg=make_block(0).latlon_deg[:4]), MismatchError, r"\(4, 2\)"),
        (changed(authors=["a"]), MismatchError, "different lengths"),
        (changed(ids=["a", "b", "c", "a", "e"]), UsageError, "Two photos have the id a"),
        (changed(ids=["a", "b", "", "d", "e"]), UsageError, "photo-0-2.jpg has no id"),
    ],
)
def test_blocks_that_do_not_fit_are_refused(
    tmp_path: Path, expected: dict[str, str], block: Any, error: type[GeotoolError], words: str
) -> None:
    with open_store(tmp_path / "store") as begun:
        with pytest.raises(error, match=words):
            begun.append(block)
        assert begun.blocks_done == begun.rows == 0
        begun.append(BLOCKS[0])
        with pytest.raises(UsageError, match="Two photos have the id photo-0-0"):
            begun.append(BLOCKS[0])
    with open_store(tmp_path / "store") as begun, pytest.raises(UsageError, match="Two photos"):
        begun.append(BLOCKS[0])  # also after going on
    assert read_files(write_store(tmp_path / "store")) == expected
