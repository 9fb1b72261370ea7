"""Data sets by name: what is missing is said, what is in place is read."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from geotool.cli import main
from geotool.core.errors import MismatchError, NotFoundError
from geotool.evaluation.datasets import TEST_SETS, explain, find_test_set, open_test_set


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "home"


@pytest.mark.parametrize("name", TEST_SETS)
def test_evaluate_says_what_is_missing_and_where_it_goes(
    name: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", name]) == 3
    said = capsys.readouterr().err
    assert str(home / "datasets" / name) in said and "images" in said and TEST_SETS[name].licence in said
    assert not home.exists()


def test_a_private_set_is_called_private() -> None:
    assert "never published" in explain(TEST_SETS["gws15k"])


def place(test_set_folder: Path, table: str = "im2gps3k_places365.csv") -> Path:
    (test_set_folder / "images").mkdir(parents=True)
    Image.new("RGB", (8, 8)).save(test_set_folder / "images" / "a.jpg")
    (test_set_folder / table).write_text("IMG_ID,LAT,LON\na.jpg,1,2\n")
    return test_set_folder / table


@pytest.mark.parametrize("table", ["im2gps3k_places365.csv", "metadata.csv"])
def test_what_is_in_place_is_opened(table: str) -> None:
    test_set = TEST_SETS["im2gps3k"]
    placed = place(test_set.folder, table)
    assert open_test_set(test_set) == placed


def test_a_table_without_photos_is_not_complete() -> None:
    test_set = TEST_SETS["im2gps3k"]
    (place(test_set.folder).parent / "images" / "a.jpg").unlink()
    with pytest.raises(NotFoundError, match="lacks photos"):
        open_test_set(test_set)


def test_a_known_checksum_is_compared() -> None:
    test_set = TEST_SETS["im2gps3k"]
    table = place(test_set.folder)
    whole = replace(test_set, sha256=hashlib.sha256(table.read_bytes()).hexdigest())
    assert open_test_set(whole) == table
    with pytest.raises(MismatchError):
        open_test_set(replace(test_set, sha256="0" * 64))


def test_a_folder_of_that_name_wins(tmp_path: Path) -> None:
    assert find_test_set(Path("IM2GPS3K")) is TEST_SETS["im2gps3k"]
    Path("im2gps3k").mkdir()
    assert find_test_set(Path("im2gps3k")) is None and find_test_set(Path("nonsense")) is None
