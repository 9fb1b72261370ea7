"""One frozen dataclass per command; parser, JSON and form are all derived from its fields."""

from __future__ import annotations

import argparse
import dataclasses
import json
import types
import typing
from dataclasses import MISSING, dataclass, field
from pathlib import Path
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from geotool.core.errors import NotFoundError, UsageError

C = TypeVar("C")


def option(
    default: Any = MISSING,
    help: str = "",
    *,
    min: float | None = None,
    max: float | None = None,
    unit: str = "",
    positional: bool = False,
    flag: str = "",
    choices: tuple[str, ...] = (),
) -> Any:
    """A config field: its default (stated nowhere else), help, range and unit."""
    metadata = {
        "help": help,
        "min": min,
        "max": max,
        "unit": unit,
        "positional": positional,
        "flag": flag,
        "choices": choices,
    }
    if default is MISSING:
        return field(metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass(frozen=True, slots=True)
class Option:
    """One config field as parsers and forms see it."""

    name: str
    type: type  # str, int, float, bool or Path
    many: bool
    optional: bool
    default: Any  # MISSING when the user has to give it
    metadata: dict[str, Any]

    @property
    def flag(self) -> str:
        return "--" + (self.metadata["flag"] or self.name.replace("_", "-"))


def options(config_class: type) -> list[Option]:
    """The fields of a config class, in order."""
    hints = get_type_hints(config_class)
    return [_option(f, hints[f.name]) for f in dataclasses.fields(config_class) if f.metadata]


def _option(f: dataclasses.Field[Any], hint: Any) -> Option:
    optional = get_origin(hint) in (Union, types.UnionType) and type(None) in get_args(hint)
    if optional:
        hint = next(a for a in get_args(hint) if a is not type(None))
    many = get_origin(hint) is tuple
    if many:
        hint = get_args(hint)[0]
    metadata = dict(f.metadata)
    if get_origin(hint) is Literal:
        metadata["choices"], hint = get_args(hint), str
    return Option(f.name, hint, many, optional, f.default, metadata)


def add_arguments(parser: argparse.ArgumentParser, config_class: type) -> None:
    """Derive the command's arguments. Defaults are suppressed: only what was typed overrides."""
    for opt in options(config_class):
        if opt.metadata["positional"]:
            nargs = "*" if opt.many else "?"
            parser.add_argument(
                opt.name, nargs=nargs, metavar=_metavar(opt), default=argparse.SUPPRESS, help=_help(opt)
            )
        elif opt.type is bool:
            parser.add_argument(
                opt.flag,
                dest=opt.name,
                action=argparse.BooleanOptionalAction,
                default=argparse.SUPPRESS,
                help=_help(opt),
            )
        else:
            parser.add_argument(
                opt.flag,
                dest=opt.name,
                metavar=_metavar(opt),
                default=argparse.SUPPRESS,
                help=_help(opt),
                action="append" if opt.many else "store",
            )


def _metavar(opt: Option) -> str:
    if opt.metadata["choices"]:
        return "|".join(opt.metadata["choices"])
    return opt.metadata["unit"].upper() or opt.name.upper().rstrip("S" if opt.many else "")


def _help(opt: Option) -> str:
    text = opt.metadata["help"]
    shown = opt.default not in (MISSING, None, (), False)
    default = ",".join(map(str, opt.default)) if opt.many and shown else opt.default
    return (f"{text} (default {default})" if shown else text).replace("%", "%%")


def from_dict(config_class: type[C], values: dict[str, Any], source: str = "configuration") -> C:
    """Build a config from plain values. Raises UsageError for unknown keys, types and ranges."""
    known = {opt.name: opt for opt in options(config_class)}
    unknown = sorted(set(values) - set(known))
    if unknown:
        raise UsageError(f"Unknown setting in {source}: {', '.join(unknown)}.", f"Known: {', '.join(known)}.")
    for opt in known.values():
        missing = opt.name not in values or values[opt.name] in (None, [], ())
        if opt.default is MISSING and missing:
            name = opt.name.upper() if opt.metadata["positional"] else opt.flag
            raise UsageError(f"{name} is missing.", f"{opt.metadata['help']}.")
    return config_class(**{name: convert(known[name], value) for name, value in values.items()})


def convert(opt: Option, value: Any) -> Any:
    """One value as its field's type, range checked. Raises UsageError."""
    if value is None and opt.optional:
        return None
    if opt.many:
        items = value if isinstance(value, (list, tuple)) else [value]
        return tuple(_convert_one(opt, part) for item in items for part in _split(opt, item))
    return _convert_one(opt, value)


def _split(opt: Option, item: Any) -> list[Any]:
    """Numbers may be typed with commas between them; in a path, a comma is part of the name."""
    return item.split(",") if isinstance(item, str) and opt.type in (int, float) else [item]


def _convert_one(opt: Option, value: Any) -> Any:
    name = opt.name if opt.metadata["positional"] else opt.flag
    try:
        number = opt.type(value) if opt.type is not bool or isinstance(value, bool) else _refuse(value)
    except (TypeError, ValueError) as error:
        raise UsageError(f"{name} cannot be {value!r}.", f"Give a {_type_word(opt)}.") from error
    choices, low, high = (opt.metadata[k] for k in ("choices", "min", "max"))
    if choices and number not in choices:
        raise UsageError(f"{name} cannot be {value!r}.", f"Choose from {', '.join(choices)}.")
    if (low is not None and not number >= low) or (high is not None and not number <= high):
        unit = f" {opt.metadata['unit']}" if opt.metadata["unit"] else ""
        bounds = f"at least {low:g}{unit}" if high is None else f"{low:g} to {high:g}{unit}"
        raise UsageError(f"{name} cannot be {value}.", f"Give {bounds}.")
    return number


def _refuse(value: Any) -> typing.NoReturn:
    raise ValueError(value)


def _type_word(opt: Option) -> str:
    words = {int: "whole number", float: "number", bool: "yes or no", Path: "path", str: "text"}
    return words.get(opt.type, opt.type.__name__)


def to_json(config: Any) -> str:
    """The config as JSON text; read_json gives the same config back."""
    return json.dumps(dataclasses.asdict(config), default=str, indent=1)


def read_json(path: Path) -> dict[str, Any]:
    """The values in a --config file. Raises NotFoundError or UsageError."""
    try:
        values = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFoundError(f"The configuration file {path} cannot be read.", "Check the path.") from error
    except ValueError as error:
        raise UsageError(f"The configuration file {path} is no JSON: {error}.") from error
    if not isinstance(values, dict):
        raise UsageError(f"The configuration file {path} holds no JSON object.")
    return values
