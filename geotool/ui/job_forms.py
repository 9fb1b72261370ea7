"""What the Jobs tab offers to start: two recipes and every single step, with what can be chosen in each."""

from __future__ import annotations

import importlib
import itertools
import os
import shlex
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

from geotool.commands import COMMANDS, module_name
from geotool.commands.recipes import RECIPES
from geotool.core import paths
from geotool.core.arguments import to_arguments
from geotool.core.artifacts import META_FILE
from geotool.model.zoo import CALIBRATION_FILE, FALLBACK, ModelInfo
from geotool.ui import forms

# Every single step, with the fields that stand before "More settings".
STEPS = {
    "demo-data": ("folder", "count", "seed"),
    "precompute": ("data", "model", "out", "views"),
    "train": ("features", "out", "init", "epochs"),
    "train-tower": ("data", "out", "steps"),
    "build-gallery": ("coordinates", "model", "out"),
    "evaluate": ("data", "model", "out"),
    "calibrate": ("run", "out"),
    "download": ("model", "source"),
}
_RECIPE_FIELDS = {
    "region-model": ("data", "name", "test", "base"),
    "classroom": ("name", "tiles", "test_tiles", "epochs"),
}
CHOICES = (
    ("region-model", "Model of my region", "Your photos in, a model of your own out: every step in one go."),
    (
        "classroom",
        "Class-room demonstration",
        "The same on satellite tiles, in minutes and without a network.",
    ),
    ("step", "A single step", "Cut tiles, precompute, train, build, measure: one command, every setting."),
)
BUTTONS = {"region-model": "Make the model", "classroom": "Start the demonstration"}
MOST_SUGGESTIONS = 40
_keys = itertools.count(1)

ListModels = Callable[[], Sequence[ModelInfo]]


def build_form(command: str, list_models: ListModels, values: forms.Typed | None = None) -> dict[str, Any]:
    """The form of a command as plain JSON; "step" is the first single step.

    A new `key` each time, so that the page draws a form anew when it is asked to, and never otherwise.
    """
    command = command if command in (*RECIPES, *STEPS) else next(iter(STEPS))
    lists = _find_lists(command, list_models())
    first = _RECIPE_FIELDS.get(command) or STEPS[command]
    return {
        "key": next(_keys),
        "command": command,
        "choice": command if command in RECIPES else "step",
        "steps": [[name, f"{name}: {COMMANDS[name]}"] for name in STEPS],
        "words": f"{COMMANDS[command][:1].upper()}{COMMANDS[command][1:]}.",
        "fields": forms.form_fields(command, first, lists, values or {}),
        "button": BUTTONS.get(command, "Start"),
        "estimates": command == "precompute",
    }


def steps_of(command: str, config: Any) -> Sequence[tuple[str, Any]]:
    """What a form starts: the steps of a recipe, else the command itself. Raises what the recipe raises."""
    if command not in RECIPES:
        return ((command, config),)
    steps: Sequence[tuple[str, Any]] = importlib.import_module(module_name(command)).steps(config)
    return steps


def shell_line(command: str, config: Any) -> str:
    """What to type in a shell for the same."""
    home = [] if paths.home() == paths.SHIPPED_DIR else ["--home", str(paths.home())]
    return shlex.join(["python", "-m", "geotool", command, *to_arguments(config), *home])


def complete_path(text: str) -> list[str]:
    """Folders and files that begin as a typed path does, folders first; nothing for what is no whole path."""
    typed = Path(text).expanduser()
    if not typed.is_absolute() or "\0" in text:
        return []
    folder, start = (typed, "") if text.endswith(("/", os.sep)) else (typed.parent, typed.name)
    try:
        with os.scandir(folder) as entries:
            found = [
                (not entry.is_dir(), entry.path)
                for entry in itertools.islice(entries, 10_000)
                if entry.name.startswith(start) and (start or not entry.name.startswith("."))
            ]
    except OSError:
        return []
    return [path for _, path in sorted(found)[:MOST_SUGGESTIONS]]


def _find_lists(command: str, models: Sequence[ModelInfo]) -> forms.Lists:
    ready = [(info.name, info.title) for info in models if info.state == "ready"]
    missing = [(info.name, info.title) for info in models if info.download_mb]
    home = paths.home()
    stores, runs = _artifacts(home / "features"), _artifacts(home / "runs")
    own = [
        str(info.folder / CALIBRATION_FILE)
        for info in models
        if info.folder.parent == home and info.name != FALLBACK
    ]
    data = _data_sets(home / "data")
    model = missing if command == "download" else ready
    return forms.Lists(
        closed={"model": model, "base": ready, "init": ready},
        open={
            "features": stores, "validation": stores, "run": runs, "data": data, "test": data,
            **({"out": own} if command == "calibrate" else {}),
        },
        proposed=_propose(command, home, stores, runs, own),
    )  # fmt: skip


def _propose(
    command: str, home: Path, stores: Sequence[str], runs: Sequence[str], own: Sequence[str]
) -> dict[str, str]:
    """What is filled in from the start: new names, and where there is only one of a kind, that one."""
    new_model = str(_free(home / "my-model"))
    single = {"features": stores, "run": runs} | ({"out": own} if command == "calibrate" else {})
    proposed = {name: found[0] for name, found in single.items() if len(found) == 1}
    made = {
        "demo-data": {"folder": str(_free(home / "data" / "tiles"))},
        "train": {"out": new_model},
        "train-tower": {"out": new_model},
        "region-model": {"name": _free(home / "my-region").name},
        "classroom": {"name": _free(home / "classroom").name},
    }
    return proposed | made.get(command, {})


def _free(path: Path) -> Path:
    """The path, or with a number behind it where something lies there."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain((path,), numbered) if not each.exists())


def _artifacts(folder: Path) -> list[str]:
    """The finished artefacts in a folder, the latest first."""
    marks = [file for file in folder.glob(f"*/{META_FILE}") if not file.parent.name.startswith(".")]
    return [str(file.parent) for file in _latest(marks)]


def _data_sets(folder: Path) -> list[str]:
    return [str(file.parent) for file in _latest(folder.glob("*/metadata.csv"))]


def _latest(files: Iterable[Path]) -> list[Path]:
    return sorted(files, key=lambda file: file.stat().st_mtime, reverse=True)[:MOST_SUGGESTIONS]
