"""Forms drawn from the Config of a command: a field per option, and back from what was typed."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, dataclass
from pathlib import Path
from typing import Any

from geotool.commands import module_name
from geotool.core.config import Option, convert, from_dict, options
from geotool.core.errors import UsageError

Typed = Mapping[str, Any]  # by option: text, or whether a box is ticked
NOT_ASKED = ("format", "dry_run")  # of the terminal; the window has its own ways
INPUTS = ("data", "features", "validation", "run", "coordinates", "gallery", "groups", "raster", "source",
          "predictions", "truth", "test", "points")  # paths that have to be there  # fmt: skip
YES, NO = "yes", "no"
LABELS = {
    "data": "Data set", "test": "Test data set", "base": "Start from the model",
    "init": "Start from the model", "out": "Write to", "folder": "Write to",
    "source": "File or folder on this machine", "run": "Evaluation run",
    "features": "Feature store", "validation": "Validation store", "name": "Name of the model",
}  # fmt: skip


class FieldProblem(UsageError):
    """What is wrong with one field: its name, and a sentence."""

    def __init__(self, field: str, error: UsageError) -> None:
        super().__init__(error.message, error.hint)
        self.field = field


@dataclass(frozen=True, slots=True, kw_only=True)
class Lists:
    """What may be chosen instead of typed, by the name of the option.

    `closed` options take nothing else; `open` ones are suggestions for a path or a name. `proposed` is
    filled in from the start.
    """

    closed: Mapping[str, Sequence[tuple[str, str]]]  # value and words
    open: Mapping[str, Sequence[str]]
    proposed: Mapping[str, str]


def config_class(command: str) -> type:
    """The Config of a command."""
    found: type = importlib.import_module(module_name(command)).Config
    return found


def form_fields(command: str, first: Sequence[str], lists: Lists, values: Typed) -> list[dict[str, Any]]:
    """The fields as plain JSON, those in `first` in that order and before the rest, which are `more`."""
    asked = {opt.name: opt for opt in options(config_class(command)) if opt.name not in NOT_ASKED}
    rest = [name for name in asked if name not in first]
    shown = [(name, False) for name in first] + [(name, True) for name in rest]
    return [_field(asked[name], lists, values, more) for name, more in shown]


def _field(opt: Option, lists: Lists, values: Typed, more: bool) -> dict[str, Any]:
    meta, value = opt.metadata, _value(opt, lists, values)
    choices = _choices(opt, lists)
    if choices and value not in [key for key, _ in choices]:  # of an older job, and gone since
        choices = [(value, value or "choose one"), *choices]
    return {
        "name": opt.name,
        "label": label(opt.name),
        "help": f"{meta['help'][:1].upper()}{meta['help'][1:]}.",
        "kind": _kind(opt, bool(choices)),
        "unit": meta["unit"],
        "min": meta["min"],
        "max": meta["max"],
        "required": opt.default is MISSING,
        "default": "" if opt.default is MISSING else to_text(opt.default),
        "choices": [list(pair) for pair in choices],
        "suggestions": list(lists.open.get(opt.name, ())),
        "path": opt.type is Path,
        "value": value,
        "more": more,
    }


def _value(opt: Option, lists: Lists, values: Typed) -> Any:
    """What stands in a field at first; an empty one means the default."""
    if _kind(opt, False) == "tick" and not opt.optional:
        return bool(values.get(opt.name, opt.default))
    if opt.name in values:
        return to_text(values[opt.name])
    is_choice = opt.metadata["choices"] and not opt.optional
    return to_text(opt.default) if is_choice else lists.proposed.get(opt.name, "")


def _choices(opt: Option, lists: Lists) -> list[tuple[str, str]]:
    if opt.type is bool and opt.optional:
        return [("", "by default"), (YES, YES), (NO, NO)]
    if opt.name in lists.closed:
        unset = [] if opt.default is MISSING else [("", "by default")]
        return [*unset, *lists.closed[opt.name]]
    shown = [(choice, choice) for choice in opt.metadata["choices"]]
    return [("", "by default"), *shown] if shown and opt.optional else shown


def _kind(opt: Option, has_choices: bool) -> str:
    if has_choices:
        return "choice"
    if opt.type is bool:
        return "tick"
    return "number" if opt.type in (int, float) and not opt.many else "text"


def label(name: str) -> str:
    """ "save_every" as people read it; a unit at its end stands beside it already."""
    if name in LABELS:
        return LABELS[name]
    words = name.removesuffix("_km").removesuffix("_px").removesuffix("_s").replace("_", " ")
    return words[:1].upper() + words[1:]


def to_text(value: Any) -> Any:
    """A value as it stands in its field."""
    if isinstance(value, bool):
        return YES if value else NO
    if isinstance(value, list | tuple):
        return ", ".join(map(str, value))
    return "" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def read_form(command: str, typed: Typed) -> Any:
    """The Config of what was typed. Raises FieldProblem for the first field that cannot be meant."""
    wanted, values = config_class(command), {}
    for opt in options(wanted):
        try:
            value = _read(opt, typed.get(opt.name, ""))
        except UsageError as error:
            raise FieldProblem(opt.name, _in_words(opt, error)) from error
        if value is not None:
            values[opt.name] = value
    return from_dict(wanted, values, "the form")


def _read(opt: Option, text: Any) -> Any:
    """The value of one field; None where it was left empty."""
    text = text.strip() if isinstance(text, str) else text
    if text in ("", None):
        if opt.default is MISSING:
            raise UsageError(f"{opt.flag} is missing.", f"{opt.metadata['help']}.")
        return None
    if opt.type is bool and text in (YES, NO):
        text = text == YES
    value = convert(opt, text if opt.type is not bool or isinstance(text, bool) else None)
    for path in value if opt.many else (value,):
        if isinstance(path, Path):
            _check_path(opt, path)
    return _expanded(value)


def _check_path(opt: Option, path: Path) -> None:
    path = path.expanduser()
    if not path.is_absolute():
        raise UsageError(
            f"{opt.flag} cannot be {path}.", "Give the whole path, from the root of the disk on."
        )
    if opt.name in INPUTS and not path.exists():
        raise UsageError(f"There is no {path}.", "Check the path.")


def _expanded(value: Any) -> Any:
    return value.expanduser() if isinstance(value, Path) else value


def _in_words(opt: Option, error: UsageError) -> UsageError:
    """The sentence with the label of the field in the place of the option of the command line."""
    name = f'"{label(opt.name)}"'
    message = error.message.replace(opt.flag, name)
    if opt.metadata["positional"] and message.startswith((opt.name, opt.name.upper())):
        message = name + message[len(opt.name) :]
    hint = error.hint or ""
    return UsageError(message, hint[:1].upper() + hint[1:])
