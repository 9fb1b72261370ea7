"""Recipes: commands that put a chain of other commands into the queue, each behind the one before."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from geotool.core import paths
from geotool.core.errors import UsageError
from geotool.core.records import RunState
from geotool.jobs.jobs import Jobs
from geotool.model.zoo import list_models
from geotool.training.config import TrainConfig

RECIPES = ("region-model", "classroom")
Steps = Sequence[tuple[str, Any]]  # a command and its Config

# Folders of the home that are no models.
_TAKEN = ("data", "downloads", "features", "galleries", "jobs", "runs", "uploads")


def start_recipe(steps: Steps, jobs: Jobs | None = None) -> Sequence[RunState]:
    """Put the steps into the queue, all of them or none."""
    return (jobs or Jobs()).start_chain(steps)


def with_epochs(train: TrainConfig, epochs: int | None) -> TrainConfig:
    """The settings of a training, with its own number of epochs where none is given."""
    return train if epochs is None else dataclasses.replace(train, epochs=epochs)


def say_started(states: Sequence[RunState]) -> None:
    for state in states:
        print(f"job {state.run_id}: {state.command} {state.title}")
    print(f"Read along: python -m geotool jobs follow {states[0].run_id}")


def new_model_folder(name: str) -> Path:
    """Where a model of this name will lie. Raises UsageError where the name is none, or is taken."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]{0,60}", name):
        raise UsageError(f"{name!r} cannot be the name of a model.", "Use letters, digits, - and _.")
    folder = paths.home() / name
    if name in _TAKEN or folder.exists() or name in [info.name for info in list_models()]:
        raise UsageError(f"The name {name} is taken.", "Choose another one for the new model.")
    return folder
