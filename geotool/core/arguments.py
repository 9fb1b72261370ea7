"""What is typed behind a command, and the Config it becomes."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import Any, TypeVar

from geotool.core import config as configs
from geotool.core.errors import UsageError

C = TypeVar("C")
_FLAG, _NEGATIVE = re.compile(r"--[a-z][a-z0-9-]*"), re.compile(r"-\.?\d")


class Parser(argparse.ArgumentParser):
    """argparse whose complaints are UsageErrors, like every other mistake in a command."""

    def error(self, message: str) -> Any:
        raise UsageError(f"{message[:1].upper()}{message[1:]}.", f"See {self.prog} --help.")


def parse_arguments(
    command: str, description: str | None, config_class: type, arguments: list[str]
) -> dict[str, Any]:
    """What was typed and nothing else: the Config's fields, and `config`, `home`, `traceback`.

    Options may stand anywhere; what stands behind `--` is none, and belongs to the last positional.
    """
    parser = Parser(
        prog=f"geotool {command}",
        description=description,
        argument_default=argparse.SUPPRESS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    configs.add_arguments(parser, config_class)
    parser.add_argument("--config", metavar="FILE", help="JSON file with settings; typed options win")
    parser.add_argument("--home", metavar="DIR", help="folder for models, galleries and runs")
    parser.add_argument("--traceback", action="store_true", help="show where an unexpected failure happened")
    end = arguments.index("--") if "--" in arguments else len(arguments)
    values = vars(parser.parse_intermixed_args(join_negative(arguments[:end])))
    if not _take_last(config_class, values, arguments[end + 1 :]):
        parser.error(f"unrecognized arguments: {' '.join(arguments[end + 1 :])}")
    return values


def _take_last(config_class: type, values: dict[str, Any], behind: list[str]) -> bool:
    """Give what stands behind `--` to the last positional; whether there is one with room for it."""
    positionals = [opt for opt in configs.options(config_class) if opt.metadata["positional"]]
    if behind and positionals and positionals[-1].many:
        values[positionals[-1].name] = [*values.get(positionals[-1].name, []), *behind]
    elif len(behind) == 1 and positionals and positionals[-1].name not in values:
        values[positionals[-1].name] = behind[0]
    else:
        return not behind
    return True


def to_config(config_class: type[C], values: dict[str, Any], file: str | None) -> C:
    """Flags over the --config file over the defaults of the Config."""
    stored = configs.read_json(Path(file)) if file else {}
    return configs.from_dict(config_class, {**stored, **values}, source=file or "command line")


def join_negative(arguments: list[str]) -> list[str]:
    """`--within -1,36,3,42` as `--within=-1,36,3,42`: argparse takes the minus for another option."""
    joined: list[str] = []
    for argument in arguments:
        if joined and _NEGATIVE.match(argument) and _FLAG.fullmatch(joined[-1]):
            joined[-1] = f"{joined[-1]}={argument}"
        else:
            joined.append(argument)
    return joined


def to_arguments(config: Any) -> list[str]:
    """What to type for this Config, defaults left out: `parse_arguments` reads it back.

    The words of a positional, of which one looks like an option, stand behind `--`.
    """
    typed: list[str] = []
    before: list[str] = []
    behind: list[str] = []
    for opt in configs.options(type(config)):
        value = getattr(config, opt.name)
        if value == opt.default:
            continue
        if opt.metadata["positional"]:
            words = _to_items(opt, value)
            if any(word.startswith("-") for word in words):
                behind = ["--", *words]
            else:
                before += words
        elif opt.type is bool:
            typed.append(opt.flag if value else f"--no-{opt.flag.removeprefix('--')}")
        else:
            typed += [f"{opt.flag}={item}" for item in _to_items(opt, value)]
    return [*before, *typed, *behind]


def _to_items(opt: configs.Option, value: Any) -> list[str]:
    """Numbers of one option stand in one word, with commas between them; other lists repeat the option."""
    items = [str(item) for item in value] if opt.many else [str(value)]
    return [",".join(items)] if opt.many and opt.type in (int, float) else items
