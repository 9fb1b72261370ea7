"""What the command line makes of what people type."""

from __future__ import annotations

from pathlib import Path

import pytest

from geotool import Engine
from geotool.answer.restriction import Box, Circle, parse_within
from geotool.cli import main
from geotool.core.arguments import join_negative
from geotool.core.errors import UsageError
from geotool.core.geo import LatLon
from tests.fakes import FakeEngine


class KeepingEngine(FakeEngine):
    """Remembers how it was restricted."""

    restriction: object = None


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> KeepingEngine:
    engine = KeepingEngine()
    monkeypatch.setattr(Engine, "load", classmethod(lambda cls, *a, **k: engine))
    return engine


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "city.jpg"
    path.touch()
    return path


@pytest.mark.parametrize("text", ["-33.9,151.2", "-.5,151", "-33.9 151.2", "-33,9; 151,2"])
def test_a_truth_of_the_south_needs_no_equals_sign(engine: KeepingEngine, photo: Path, text: str) -> None:
    assert main(["locate", str(photo), "--truth", text]) == 0
    truth = engine.calls[0]["truth"]
    assert isinstance(truth, LatLon) and truth.lat < 0 < truth.lon


def test_areas_of_the_south_and_west_need_none_either(engine: KeepingEngine, photo: Path) -> None:
    assert main(["locate", "--within", "-1,36,3,42", "--within", "-33.9,151.2,50", str(photo)]) == 0
    [box, circle] = engine.restriction.areas
    assert isinstance(box, Box) and (box.south, box.west, box.north, box.east) == (-1, 36, 3, 42)
    assert isinstance(circle, Circle) and circle.center.lat == -33.9
    assert engine.restriction == parse_within(["-1,36,3,42;-33.9,151.2,50"])


def test_a_number_out_of_range_is_named_and_not_taken_for_an_option(
    photo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["locate", str(photo), "--top-k", "-5"]) == UsageError.exit_code
    assert "--top-k cannot be -5" in capsys.readouterr().err


def test_only_an_option_without_a_value_takes_the_number() -> None:
    for kept in (["a.jpg", "-1,2"], ["--", "-1.jpg"], ["--truth=1,2", "-3"], ["--within", "--zoom"], ["-5"]):
        assert join_negative(kept) == kept
    assert join_negative(["--truth", "-1,2", "-3"]) == ["--truth=-1,2", "-3"]
