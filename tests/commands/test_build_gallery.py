"""build-gallery through its two doors: the command line, and what it leaves for a search."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from geotool.cli import main
from geotool.core.errors import EmptyResultError, NotFoundError, UsageError
from geotool.gallery.gallery import load_gallery

MODEL = ("--model", "bluemarble", "--device", "cpu")


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def table(tmp_path: Path) -> Path:
    rows = [f"place {i},{i * 1.5 - 60},{i * 4 - 150}" for i in range(60)]
    (tmp_path / "my.points.csv").write_text(
        "\n".join(["name,lat,lon", *rows, "twice,-60,-150", "nowhere,,1"])
    )
    return tmp_path / "my.points.csv"


def test_it_writes_a_gallery_and_says_what_became_of_the_rows(
    table: Path, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["build-gallery", "--coordinates", str(table), *MODEL]) == 0
    folder = home / "galleries" / "bluemarble-my"
    line = f"60 points in {folder}; 1 repeated points merged; 1 rows rejected"
    assert capsys.readouterr().out.startswith(line)
    assert '63,"nowhere, , 1",it has no latitude' in (folder / "rejected.csv").read_text()
    gallery = load_gallery(folder)
    assert len(gallery) == 60 and gallery.vectors.shape[0] == 60


def test_json_out_and_branching(table: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "gallery"
    options = ["--out", str(out), "--branching", "3", "--branching", "2", "--format", "json"]
    assert main(["build-gallery", "--coordinates", str(table), *MODEL, *options]) == 0
    assert json.loads(capsys.readouterr().out) == {
        "folder": str(out),
        "points": 60,
        "rejected": 1,
        "duplicates_merged": 1,
        "rejected_file": str(out / "rejected.csv"),
    }
    assert len(load_gallery(out).tree.cells) == 2


def test_failures_are_one_sentence_with_their_exit_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    empty, other = tmp_path / "empty.csv", tmp_path / "other.csv"
    empty.touch()
    other.write_text("a,b\n1,2\n")
    failures = [(tmp_path / "none.csv", NotFoundError), (empty, EmptyResultError), (other, UsageError)]
    for path, error in failures:
        assert main(["build-gallery", "--coordinates", str(path), *MODEL]) == error.exit_code
        assert capsys.readouterr().err.count("\n") == 1
    assert main(["build-gallery", *MODEL]) == UsageError.exit_code
    assert "--coordinates is missing" in capsys.readouterr().err
