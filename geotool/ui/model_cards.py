"""The models as cards, and what the window uses of this machine: plain JSON for the page."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from geotool.commands.models import count_points, is_deletable, model_folders, size_bytes
from geotool.model.zoo import PREFERRED, ModelInfo
from geotool.output.numbers import format_count, format_mb
from geotool.ui.model_host import LoadState
from geotool.ui.present import accuracy_lines

TOWERS = {"open_clip": "CLIP vision transformer", "tile_tower": "small residual network for satellite tiles"}
MAY_LEAVE = (
    "Downloading a model, when you press the button: huggingface.co learns this machine's address and which "
    "file is fetched. Nothing of yours is sent.",
    'The links under an answer, "Open in ...", when you press one: the service learns the coordinates of '
    "that place. Each link says beforehand what it sends.",
)


def to_card(info: ModelInfo, models: Sequence[ModelInfo], in_use: bool) -> dict[str, Any]:
    """One model: what it is for, its facts, and what can be done with it."""
    ready = info.state == "ready"
    return {
        "name": info.name,
        "title": info.title,
        "purpose": info.purpose,
        "state": "in use" if in_use else info.state,
        "facts": _facts(info),
        "accuracy": accuracy_lines(info.accuracy) or ["not measured here"],
        "can_use": ready and not in_use,
        "get": ""
        if ready or not info.download_mb
        else f"Download {info.title} ({format_mb(info.download_mb)})",
        "can_verify": ready,
        "remove": "" if in_use or not is_deletable(info) else _question(info, models),
    }


def _facts(info: ModelInfo) -> list[list[str]]:
    ready = info.state == "ready"
    points = count_points(info) if ready else None
    on_disk = size_bytes(model_folders(info)) / 1e6 if ready else 0.0
    size = f"{format_mb(on_disk)} on disk" if ready else f"{format_mb(info.download_mb or 0)} to download"
    facts = [("Size", size), ("Sees with", _tower(info))]
    facts += [("Answers from", f"{format_count(points)} points")] if points else []
    facts += [("Licence", info.licence)]
    facts += [("Fingerprint", info.fingerprint)] if ready else []
    return [list(fact) for fact in facts]


def _tower(info: ModelInfo) -> str:
    tower = info.spec["image_tower"]
    if "from" in tower:
        return f"the image tower of {tower['from']}"
    return TOWERS.get(tower["kind"], tower["kind"])


def _question(info: ModelInfo, models: Sequence[ModelInfo]) -> str:
    """What is to be confirmed before a model is deleted."""
    leaning = [other.name for other in models if other.spec["image_tower"].get("from") == info.name]
    words = f"Delete {info.title}? {format_mb(size_bytes(model_folders(info)) / 1e6)} become free."
    if leaning:
        words += f" {', '.join(leaning)} see with its image tower and will not work without it."
    again = "It can be downloaded again." if info.download_mb else "What it was trained on stays."
    return f"{words} {again}"


def machine_facts(load: LoadState) -> list[list[str]]:
    """The device of the model in use, and how much memory this program takes."""
    import psutil

    used_mb = psutil.Process(os.getpid()).memory_info().rss / 1e6
    free_mb = psutil.virtual_memory().available / 1e6
    facts = [["Memory", f"{format_mb(used_mb)} taken by geotool, {format_mb(free_mb)} free on this machine"]]
    if load.engine is None:
        return [["Device", "no model is loaded"], *facts]
    stamp = load.engine.stamp
    return [["Device", f"{stamp.device.upper()}, {stamp.precision}, with {load.engine.info.title}"], *facts]


SIDE_LOAD_HELP = (
    f"On a machine with a network, download the checkpoint that `python -m geotool download {PREFERRED}` "
    "names, carry it here, and type its path. Nothing is fetched; the file is checked before it is used."
)
