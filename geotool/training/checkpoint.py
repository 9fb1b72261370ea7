"""Checkpoints of a training: one file, so that a crash leaves the one before it whole."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from geotool.core.durable import flush_to_disk
from geotool.core.errors import MismatchError

CHECKPOINT_FILE = "checkpoint.safetensors"
_STATE = "state"  # what is no tensor, as JSON in the file's header


def write_checkpoint(folder: Path, tensors: Mapping[str, Tensor], state: dict[str, Any]) -> None:
    """Put a checkpoint in the place of the last one; durable when it returns."""
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".{CHECKPOINT_FILE}.part"
    whole = {name: value.detach().contiguous().cpu().clone() for name, value in tensors.items()}
    save_file(whole, part, metadata={_STATE: json.dumps(state)})
    flush_to_disk(part)
    part.replace(folder / CHECKPOINT_FILE)


def read_checkpoint(folder: Path) -> tuple[dict[str, Tensor], dict[str, Any]] | None:
    """Tensors (on the CPU) and state of the last checkpoint, None without one; MismatchError if damaged."""
    path = folder / CHECKPOINT_FILE
    if not path.is_file():
        return None
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return tensors, json.loads(file.metadata()[_STATE])
    except (OSError, SafetensorError, KeyError, ValueError) as error:
        raise MismatchError(
            f"The checkpoint {path} is damaged ({error}).", "Remove its folder to start anew."
        ) from error


def check_settings(found: dict[str, Any], wanted: dict[str, Any], folder: Path) -> None:
    """Refuse to go on with other settings. Raises MismatchError that names them."""
    wanted = json.loads(json.dumps(wanted, default=str))
    changed = [name for name, value in wanted.items() if found.get(name) != value]
    if changed:
        raise MismatchError(
            f"The unfinished training in {folder} has another {', '.join(changed)}.",
            "Give the same settings to go on, or remove that folder to start anew.",
        )


def with_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under longer names."""
    return {prefix + name: value for name, value in tensors.items()}


def without_prefix(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Those tensors whose names begin so, without it."""
    return {k.removeprefix(prefix): value for k, value in tensors.items() if k.startswith(prefix)}


def optimiser_tensors(optimisers: Sequence[torch.optim.Optimizer]) -> dict[str, Tensor]:
    """What the optimisers remember of each weight, under names for a checkpoint."""
    return {
        f"optimiser.{number}.{row}.{key}": value
        for number, optimiser in enumerate(optimisers)
        for row, state in optimiser.state_dict()["state"].items()
        for key, value in state.items()
    }


def load_optimisers(optimisers: Sequence[torch.optim.Optimizer], tensors: Mapping[str, Tensor]) -> None:
    """Give the optimisers back what `optimiser_tensors` took."""
    for number, optimiser in enumerate(optimisers):
        _load_optimiser(optimiser, without_prefix(f"optimiser.{number}.", tensors))


def _load_optimiser(optimiser: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    groups = optimiser.state_dict()["param_groups"]
    weights = [weight for group in optimiser.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        row, key = name.split(".")
        weight = weights[int(row)]
        # In the weight's own memory layout: another one sums in another order, and results drift.
        same = torch.empty_like(weight).copy_(value) if value.shape == weight.shape else value
        state.setdefault(int(row), {})[key] = same
    optimiser.load_state_dict({"state": state, "param_groups": groups})
