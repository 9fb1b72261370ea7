"""Where things lie. Nothing here creates a folder: that happens when something is written."""

from __future__ import annotations

import os
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[2]
ASSETS_DIR = PROJECT_DIR / "assets"
SHIPPED_DIR = PROJECT_DIR / "checkpoints"
HOME_VARIABLE = "GEOTOOL_HOME"
JOB_VARIABLE = "GEOTOOL_JOB"  # tells a command that it runs as this job; the command takes it out


def home() -> Path:
    """The one folder that geotool writes to: GEOTOOL_HOME, else checkpoints/ beside app.py."""
    chosen = os.environ.get(HOME_VARIABLE)
    return Path(chosen).expanduser().resolve() if chosen else SHIPPED_DIR


def model_dirs() -> tuple[Path, ...]:
    """Folders whose sub-folders are models: the user's home first, then what ships."""
    return (home(),) if home() == SHIPPED_DIR else (home(), SHIPPED_DIR)
