import argparse
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from geotool.core import config as configs
from geotool.core.config import option
from geotool.core.errors import NotFoundError, UsageError


@dataclass(frozen=True, kw_only=True)
class Config:
    photos: tuple[Path, ...] = option(help="photos", positional=True)
    top_k: int = option(5, help="candidates", min=1, max=10)
    span_km: float | None = option(None, help="width", min=0, unit="km")
    device: Literal["auto", "cpu"] = option("auto", help="device")
    half: bool = option(True, help="half precision")


def parse(*arguments: str) -> Config:
    parser = argparse.ArgumentParser()
    configs.add_arguments(parser, Config)
    return configs.from_dict(Config, vars(parser.parse_args(arguments)))


def test_flags_become_typed_fields() -> None:
    config = parse("a.jpg", "b.jpg", "--top-k", "7", "--span-km", "600", "--no-half")
    assert config == Config(photos=(Path("a.jpg"), Path("b.jpg")), top_k=7, span_km=600.0, half=False)


def test_defaults_hold_where_nothing_was_typed() -> None:
    assert parse("a.jpg") == Config(photos=(Path("a.jpg"),))


def test_json_round_trip() -> None:
    config = parse("a.jpg", "--device", "cpu")
    assert configs.from_dict(Config, json.loads(configs.to_json(config))) == config


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["a.jpg", "--top-k", "11"], "1 to 10"),
        (["a.jpg", "--top-k", "many"], "whole number"),
        (["a.jpg", "--span-km", "nan"], "at least 0 km"),
        (["a.jpg", "--device", "tpu"], "auto, cpu"),
        ([], "PHOTOS is missing"),
    ],
)
def test_mistakes_are_one_sentence_with_the_remedy(arguments: list[str], said: str) -> None:
    with pytest.raises(UsageError, match=said):
        parse(*arguments)


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(UsageError, match="tok_k"):
        configs.from_dict(Config, {"photos": ["a"], "tok_k": 3})


def test_a_broken_config_file_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    with pytest.raises(NotFoundError):
        configs.read_json(file)
    file.write_text("[1")
    with pytest.raises(UsageError, match="no JSON"):
        configs.read_json(file)
