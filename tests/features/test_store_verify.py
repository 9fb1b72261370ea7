"""Verifying finds each kind of damage and says it in one sentence; through Python and the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from geotool.cli import main
from geotool.core.artifacts import fingerprint, folder_sha256s
from geotool.core.errors import MismatchError, NotFoundError, StoppedError
from geotool.core.report import SilentReport
from geotool.features import writer
from geotool.features.verify import verify_store
from tests.fakes import StopAt
from tests.features.stores import DIM, ROWS, VIEWS, write_store


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(writer, "SHARD_ROWS", 8)
    return write_store(tmp_path / "store")


def spoil_features(row: int, value: float) -> Callable[[Path], None]:
    def spoil(store: Path) -> None:
        shard = np.load(store / "features-00001.npy", mmap_mode="r+")
        shard[row, 1] = value
        shard.flush()

    return spoil


def spoil_place(store: Path) -> None:
    places = np.load(store / "latlon_deg.npy")
    places[3, 0] = 90.5
    np.save(store / "latlon_deg.npy", places)


def spoil_names(column: str, row: int, value: str) -> Callable[[Path], None]:
    def spoil(store: Path) -> None:
        table = pq.read_table(store / "rows.parquet").to_pydict()
        table[column][row] = value
        pq.write_table(pa.table(table), store / "rows.parquet")

    return spoil


def cut(name: str, keep: int) -> Callable[[Path], None]:
    def spoil(store: Path) -> None:
        (store / name).write_bytes((store / name).read_bytes()[:keep])

    return spoil


def drop_names(store: Path) -> None:
    pq.write_table(pq.read_table(store / "rows.parquet").slice(1), store / "rows.parquet")


def sign_anew(store: Path) -> None:
    """Let the meta say that the files are as they should be: only the values tell."""
    meta = json.loads((store / "meta.json").read_text())
    meta["config"]["files"] = folder_sha256s(store)
    meta["fingerprint"] = fingerprint(list(meta["config"]["files"].items()))
    (store / "meta.json").write_text(json.dumps(meta))


@pytest.mark.parametrize(
    "spoil, words",
    [
        (spoil_features(2, np.nan), "One row has features that are not finite; the first is row 10"),
        (spoil_features(2, 0), "One row has features that are all zero; the first is row 10"),
        (spoil_place, "One row has coordinates out of range; the first is row 3"),
        (spoil_names("id", 20, "photo-0-1"), "an id that an earlier row has; the first is row 20"),
        (spoil_names("id", 4, ""), "no id or no path; the first is row 4"),
        (spoil_names("sha256", 5, "abc"), "no sha256 of the photo; the first is row 5 (photo-2-0)"),
        (drop_names, f"rows.parquet has {ROWS - 1} rows, but there are features of {ROWS}"),
        (cut("rows.parquet", 100), "rows.parquet cannot be read"),
        (cut("failures.csv", 75), "failures.csv cannot be read"),
        (cut("failures.csv", 19), "failures.csv lists 0 photos, but 9 failed"),
        (cut("features-00002.npy", 150), "is damaged"),
        (cut("latlon_deg.npy", 150), "is damaged"),
    ],
)
def test_each_damage_is_told_by_the_meta_and_by_the_values(
    store: Path, spoil: Callable[[Path], None], words: str
) -> None:
    spoil(store)
    first, *others = verify_store(store, SilentReport())
    assert first.endswith(".") and "was changed" in first
    assert len(others) == 1 and words in others[0] and others[0].count("\n") == 0
    sign_anew(store)
    assert verify_store(store, SilentReport()) == others


def test_other_files_than_the_listed_are_told(store: Path) -> None:
    (store / "features-00003.npy").unlink()
    (store / "notes.txt").write_text("mine")
    problems = verify_store(store, SilentReport())
    assert problems[:2] == ["features-00003.npy is missing.", "notes.txt does not belong to the store."]
    assert "do not fit" in problems[2]


def test_a_changed_meta_is_told(store: Path) -> None:
    meta = json.loads((store / "meta.json").read_text())
    (store / "meta.json").write_text(json.dumps({**meta, "fingerprint": "0" * 16}))
    [problem] = verify_store(store, SilentReport())
    assert problem.startswith("meta.json was changed")


def test_it_stops_when_asked(store: Path) -> None:
    for step in (1, 3, 12, 18):
        with pytest.raises(StoppedError):
            verify_store(store, StopAt(step))


def test_info_tells_what_a_store_holds(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "info", str(store), "--format", "json"]) == 0
    facts = json.loads(capsys.readouterr().out)
    assert (facts["rows"], facts["views"], facts["dim"], facts["failures"]) == (ROWS, VIEWS, DIM, 9)
    assert (facts["model"], facts["preprocessing"], facts["data"]) == ("m1", "p1", "d1")
    assert facts["size_mb"] == round(sum(f.stat().st_size for f in store.iterdir()) / 1e6, 3)
    assert facts["fingerprint"] == json.loads((store / "meta.json").read_text())["fingerprint"]
    assert facts["created"].startswith("20")
    assert main(["features", "info", str(store)]) == 0
    assert f"rows          {ROWS}\n" in capsys.readouterr().out


def test_verify_has_an_exit_code(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["features", "verify", str(store)]) == 0
    assert capsys.readouterr().out == "The store is sound.\n"
    spoil_place(store)
    assert main(["features", "verify", str(store), "--format", "json"]) == MismatchError.exit_code
    told = json.loads(capsys.readouterr().out)
    assert not told["sound"] and len(told["problems"]) == 2


@pytest.mark.parametrize("action", ["info", "verify"])
def test_what_is_no_store_is_one_sentence(
    tmp_path: Path, action: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["features", action, str(tmp_path / "none")]) == NotFoundError.exit_code
    assert capsys.readouterr().err.count("\n") == 1
