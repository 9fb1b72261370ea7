"""Where the parts of a study lie, and that a study goes on with the settings it was begun with."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geotool.core.artifacts import write_json
from geotool.core.errors import MismatchError, UsageError
from geotool.core.paths import HOME_VARIABLE
from geotool.study.config import StudyConfig

_SETTINGS_FILE = "settings.json"
_FREE = ("folder", "variants", "seeds", "device", "docs", "format")  # what another start may change


@dataclass(frozen=True, slots=True)
class StudyPlace:
    """The folders and files of a study."""

    folder: Path

    def tiles(self, name: str) -> Path:
        return self.folder / "tiles" / name

    def store(self, name: str) -> Path:
        return self.folder / "stores" / name

    @property
    def models(self) -> Path:
        return self.folder / "models"

    def model(self, variant: str, seed: int) -> Path:
        return self.models / f"{variant}-{seed}"

    def result(self, variant: str, seed: int) -> Path:
        return self.folder / "runs" / f"{variant}-{seed}.json"

    @property
    def speed(self) -> Path:
        return self.folder / "speed.json"

    @property
    def tables(self) -> tuple[Path, Path]:
        """For programs and for people."""
        return self.folder / "study.json", self.folder / "study.md"


def open_place(config: StudyConfig) -> StudyPlace:
    """Begin a study or go on with it.

    Raises MismatchError where it was begun with other settings, UsageError where the folder is no study.
    """
    folder = config.folder.resolve()
    marker, wanted = folder / _SETTINGS_FILE, find_settings(config)
    if marker.is_file():
        _check_settings(json.loads(marker.read_text(encoding="utf-8")), wanted, folder)
    elif folder.exists() and any(folder.iterdir()):
        raise UsageError(f"{folder} is not empty and holds no study.", "Give a new folder.")
    folder.mkdir(parents=True, exist_ok=True)
    for part in ("tiles", "stores", "models", "runs"):
        (folder / part).mkdir(exist_ok=True)
    write_json(marker, wanted)
    return StudyPlace(folder)


def find_settings(config: StudyConfig) -> dict[str, Any]:
    """What all runs of a study have in common, as JSON gives it back."""
    kept = {name: value for name, value in vars(config).items() if name not in _FREE}
    return json.loads(json.dumps(kept, default=str))


@contextlib.contextmanager
def home_at(folder: Path) -> Iterator[None]:
    """Let models be looked for in `folder`, and nothing of the user's be touched."""
    before = os.environ.get(HOME_VARIABLE)
    os.environ[HOME_VARIABLE] = str(folder)
    try:
        yield
    finally:
        del os.environ[HOME_VARIABLE]
        if before is not None:
            os.environ[HOME_VARIABLE] = before


def _check_settings(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    changed = [name for name, value in wanted.items() if found.get(name) != value]
    if changed:
        raise MismatchError(
            f"The study in {folder} was begun with another {', '.join(changed)}.",
            "Give the same settings to go on, or another folder.",
        )
