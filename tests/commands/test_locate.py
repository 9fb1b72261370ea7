"""locate on folders and many photos: order, one result or error per input, and an end that loses nothing."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from geotool import Engine
from geotool.cli import main
from geotool.core.errors import BadImageError, NotFoundError, StoppedError, UsageError
from tests.fakes import FakeEngine


class StoppingEngine(FakeEngine):
    """Presses Ctrl-C while it works on the photo of this name, `times` times."""

    def __init__(self, name: str, times: int = 1) -> None:
        super().__init__()
        self.name, self.times = name, times

    def locate(self, path: Any, **options: Any) -> Any:
        if Path(path).name == self.name:
            for _ in range(self.times):
                os.kill(os.getpid(), signal.SIGINT)
        return super().locate(path, **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("b.jpg", "bad.jpg", "sub/b.jpg", "city.jpg", "readme.txt"):
        (tmp_path / "photos" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "photos" / name).touch()
    return tmp_path / "photos"


@pytest.fixture(autouse=True)
def old_signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.fixture
def use(monkeypatch: pytest.MonkeyPatch) -> Any:
    def replace_engine(engine: FakeEngine) -> FakeEngine:
        monkeypatch.setattr(Engine, "load", classmethod(lambda cls, *a, **k: engine))
        return engine

    return replace_engine


def names(document: dict[str, Any], folder: Path) -> list[str]:
    return [Path(r["photo"]["path"]).relative_to(folder).as_posix() for r in document["results"]]


def test_a_folder_gives_one_result_or_error_per_photo_in_order(
    use: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(FakeEngine())
    assert main(["locate", str(folder), "--format", "json"]) == BadImageError.exit_code
    document = json.loads(capsys.readouterr().out)
    assert names(document, folder) == ["b.jpg", "city.jpg", "sub/b.jpg"]
    assert [Path(error["path"]).name for error in document["errors"]] == ["bad.jpg"]


def test_an_empty_folder_is_said_before_anything_is_loaded(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Engine, "load", classmethod(lambda *a, **k: pytest.fail("the model was loaded")))
    assert main(["locate", str(tmp_path)]) == NotFoundError.exit_code
    assert "There are no photos in the folder" in capsys.readouterr().err
    (tmp_path / "a.jpg").touch()
    nowhere = str(tmp_path / "none" / "out.json")
    assert main(["locate", str(tmp_path / "a.jpg"), "--out", nowhere]) == UsageError.exit_code


def test_the_truth_of_one_photo_is_not_that_of_a_folder(
    use: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(FakeEngine())
    assert main(["locate", str(folder), "--truth", "1,2"]) == UsageError.exit_code
    assert main(["locate", str(folder / "sub"), "--truth", "1,2"]) == 0


@pytest.mark.parametrize("times", [1, 2])
def test_stopping_keeps_what_was_done(
    use: Any, folder: Path, tmp_path: Path, times: int, capsys: pytest.CaptureFixture[str]
) -> None:
    use(StoppingEngine("city.jpg", times))
    out = tmp_path / "out.json"
    arguments = ["locate", str(folder), "--format", "json", "--out", str(out)]
    assert main(arguments) == StoppedError.exit_code
    done = names(json.loads(out.read_text(encoding="utf-8")), folder)
    assert done == ["b.jpg", "city.jpg"][: 3 - times]  # once: the photo in work is finished
    assert f"Stopped after {4 - times} of 4 photos." in capsys.readouterr().err


def test_stopping_prints_where_nothing_is_written(
    use: Any, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(StoppingEngine("city.jpg"))
    assert main(["locate", str(folder), "--format", "json"]) == StoppedError.exit_code
    assert len(json.loads(capsys.readouterr().out)["results"]) == 2


def test_stopping_before_the_first_answer_writes_nothing(
    use: Any, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    use(StoppingEngine("b.jpg", times=2))
    out = tmp_path / "out.csv"
    assert main(["locate", str(folder), "--format", "csv", "--out", str(out)]) == StoppedError.exit_code
    assert not out.exists() and "Nothing was written" in capsys.readouterr().err


def test_the_report_names_the_settings(use: Any, folder: Path, tmp_path: Path) -> None:
    use(FakeEngine())
    out = tmp_path / "report.html"
    assert (
        main(["locate", str(folder / "b.jpg"), "--search", "exact", "--format", "html", "--out", str(out)])
        == 0
    )
    text = out.read_text(encoding="utf-8")
    assert "<dt>search</dt><dd>exact</dd>" in text and str(tmp_path) not in text
