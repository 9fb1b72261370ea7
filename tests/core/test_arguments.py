"""What typed words become: options anywhere, and no options behind `--`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from geotool.core.arguments import parse_arguments, to_arguments, to_config
from geotool.core.config import option
from geotool.core.errors import UsageError


@dataclass(frozen=True, kw_only=True)
class Many:
    """Takes one word, then any number."""

    verb: str = option("look", positional=True)
    things: tuple[str, ...] = option((), positional=True)
    size: int = option(1)


@dataclass(frozen=True, kw_only=True)
class One:
    """Takes one path."""

    file: Path = option(positional=True)
    size: int = option(1)


def parse(config_class: type, typed: str) -> dict[str, Any]:
    return parse_arguments("test", None, config_class, typed.split())


@pytest.mark.parametrize(
    "typed", ["take --size 3 a b", "--size 3 take a b", "take a b --size=3", "take --size 3 -- a b"]
)
def test_options_may_stand_anywhere(typed: str) -> None:
    assert parse(Many, typed) == {"verb": "take", "things": ["a", "b"], "size": "3"}


def test_behind_two_dashes_nothing_is_an_option() -> None:
    assert parse(Many, "take a -- --size 3")["things"] == ["a", "--size", "3"]
    assert parse(One, "-- --size") == {"file": "--size"}
    assert parse(One, "here --") == {"file": "here"}
    for wrong in ("here -- there", "-- here there"):
        with pytest.raises(UsageError, match="Unrecognized arguments"):
            parse(One, wrong)


@pytest.mark.parametrize("things", [(), ("a b", "c"), ("c", "-x")])
def test_what_is_typed_for_a_config_gives_that_config(things: tuple[str, ...]) -> None:
    config = Many(verb="see", things=things, size=3)
    typed = to_arguments(config)
    assert to_config(Many, parse_arguments("many", "", Many, typed), None) == config
    assert to_arguments(Many()) == []
