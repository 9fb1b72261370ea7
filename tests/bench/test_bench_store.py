"""`bench store` over few vectors: its rows, and that both sides read the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from geotool.bench import store as bench
from geotool.core.report import SilentReport
from geotool.features.store import load_store

pytestmark = pytest.mark.slow
SIZE = 5000  # more than two groups of Parquet


def test_rows_have_both_sides_and_their_ratio() -> None:
    rows = bench.run_store(1, (1000,), SilentReport())
    assert [row["measure"] for row in rows] == ["write", "read in order", "read 512 at random"]
    for row in rows:
        assert row["photos"] == 1000
        assert row["speedup"] == pytest.approx(row["parquet_s"] / row["store_s"])


def test_both_sides_give_the_same_vectors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bench, "BLOCK", bench.ROW_GROUP)  # then both draw the same
    bench.write_store(tmp_path / "store", SIZE)
    bench.write_table(tmp_path / "table.parquet", SIZE)
    rows = np.random.default_rng(1).integers(0, SIZE, 300)
    store = load_store(tmp_path / "store")
    with bench.ParquetTable(tmp_path / "table.parquet") as table:
        np.testing.assert_array_equal(store.read(rows), table.read(rows))
        assert bench.read_in_order(store) == table.read_in_order()
