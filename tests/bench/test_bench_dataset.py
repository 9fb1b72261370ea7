"""`bench encode --dataset`: every step on the same photos, ratios within the run."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geotool.bench import dataset as bench
from geotool.commands import bench as command
from geotool.core.errors import EmptyResultError
from geotool.core.paths import HOME_VARIABLE
from geotool.core.report import SilentReport
from tests.features.photo_sets import write_photo_set
from tests.features.tiny_models import write_tiny_model


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    monkeypatch.setattr(bench, "_MATMUL_SIDE", {"cpu": 64})
    write_tiny_model(tmp_path / "home")


def test_rows_have_every_step_and_their_ratios(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    data = write_photo_set(tmp_path / "set", 40, broken=(3,))
    config = command.Config(
        subject="encode", dataset=data, model="tiny", device="cpu", rounds=1, format="json"
    )
    command.run(config, SilentReport())
    rows = {row["step"]: row for row in json.loads(capsys.readouterr().out)["rows"]}
    assert list(rows) == [
        bench.READ, bench.PILLOW, bench.DECODE, bench.BOTH, bench.TRANSFER, bench.TOWER, bench.WHOLE,
        bench.MATMUL,
    ]  # fmt: skip
    for step, reference in ((bench.DECODE, bench.PILLOW), (bench.WHOLE, bench.TOWER)):
        ratio = rows[step]["images_per_s"] / rows[reference]["images_per_s"]
        assert rows[step]["to"] == reference and rows[step]["ratio"] == pytest.approx(ratio)
    for step, row in rows.items():
        if step != bench.MATMUL:
            assert row["ms_per_image"] == pytest.approx(1000 / row["images_per_s"])
    assert rows[bench.TOWER]["tflop_per_s"] > 0 and rows[bench.MATMUL]["tflop_per_s"] > 0


def test_a_data_set_without_a_photo_is_refused(tmp_path: Path) -> None:
    data = write_photo_set(tmp_path / "set", 2, broken=(0, 1))
    with pytest.raises(EmptyResultError):
        bench.run_dataset(data, "tiny", "cpu", 1, SilentReport())
