"""List the models, `models verify NAME`, or `models delete NAME` what was downloaded or trained."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geotool.core import paths
from geotool.core.config import option
from geotool.core.errors import MismatchError, UsageError
from geotool.core.report import Report, stop_if_asked
from geotool.model import zoo
from geotool.model.zoo import ModelInfo, list_models

_BLOCK_BYTES = 1 << 24


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `models`."""

    action: Literal["list", "verify", "delete"] = option(
        "list", help="list, verify or delete", positional=True
    )
    name: str | None = option(None, help="the model to verify or delete", positional=True)
    format: Literal["table", "json"] = option("table", help="output of list")


def run(config: Config, report: Report) -> int:
    """Print one row per model, or do the one thing with one of them; exit code 4 if it is damaged."""
    if config.action == "list":
        _list(config)
        return 0
    if config.name is None:
        raise UsageError("The name of the model is missing.", "See: python -m geotool models")
    info = zoo.find_model(config.name)
    if config.action == "delete":
        print(f"{info.name} is deleted: {delete_model(info) / 1e6:,.0f} MB freed.")
        return 0
    problems = verify_model(info, report)
    print("\n".join(problems) or f"{info.name} is sound.")
    return MismatchError.exit_code if problems else 0


def verify_model(info: ModelInfo, report: Report) -> Sequence[str]:
    """What is wrong with the files of a model, one sentence each. Raises UsageError where it is not here."""
    import numpy as np

    if not info.is_ready:
        raise UsageError(f"{info.name} is not on this machine.", "There is nothing to verify.")
    problems = []
    wanted, found = info.spec["weights"]["sha256"], _sha256(zoo.weights_file(info), report)
    if found != wanted:
        problems.append(f"The weights of {info.name} are damaged: sha256 {found[:16]}, not {wanted[:16]}.")
    try:
        points = np.load(zoo.gallery_file(info), mmap_mode="r", allow_pickle=False)
        if points.ndim != 2 or points.shape[1] != 2 or not np.isfinite(points).all():
            problems.append(f"{zoo.gallery_file(info)} holds no coordinates.")
    except (OSError, ValueError) as error:
        problems.append(f"{zoo.gallery_file(info)} cannot be read: {error}.")
    zoo.find_tower(info)
    return problems


def _sha256(file: Path, report: Report) -> str:
    digest, done, total = hashlib.sha256(), 0, file.stat().st_size
    with open(file, "rb") as stream:
        while block := stream.read(_BLOCK_BYTES):
            stop_if_asked(report)
            digest.update(block)
            done += len(block)
            report.progress(done, total, unit="B")
    return digest.hexdigest()


def is_deletable(info: ModelInfo) -> bool:
    """Whether it was downloaded or trained here. What ships with geotool is never deleted."""
    ships = info.name == zoo.FALLBACK and info.folder.parent == paths.SHIPPED_DIR
    return info.folder.parent == paths.home() and info.folder.is_dir() and not ships


def delete_model(info: ModelInfo) -> int:
    """Remove a model with its encoded gallery; gives the bytes that became free. Raises UsageError."""
    if not is_deletable(info):
        raise UsageError(f"{info.name} was neither downloaded nor trained here.", "It stays.")
    folders = model_folders(info)
    freed_bytes = size_bytes(folders)
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
    return freed_bytes


def model_folders(info: ModelInfo) -> Sequence[Path]:
    """The model's own folder and what was computed from it."""
    from geotool.gallery.gallery import gallery_folder

    return [folder for folder in (info.folder, gallery_folder(info.name)) if folder.is_dir()]


def size_bytes(folders: Sequence[Path]) -> int:
    """Of all files in some folders."""
    return sum(file.stat().st_size for folder in folders for file in folder.rglob("*") if file.is_file())


def count_points(info: ModelInfo) -> int | None:
    """How many points the model answers with; None where they are not here."""
    import numpy as np

    file = zoo.gallery_file(info)
    return len(np.load(file, mmap_mode="r", allow_pickle=False)) if file.is_file() else None


def _list(config: Config) -> None:
    models = list_models()
    if config.format == "json":
        print(json.dumps({"models": [_to_row(info) for info in models]}, indent=1))
        return
    for info in models:
        print("\n".join(_to_lines(info)))


def _to_row(info: ModelInfo) -> dict[str, Any]:
    names = ("name", "title", "purpose", "state", "size_mb", "download_mb", "licence", "accuracy")
    return {**{name: getattr(info, name) for name in names}, "folder": str(info.folder)}


def _to_lines(info: ModelInfo) -> list[str]:
    remedy = "" if info.is_ready else f" (python -m geotool download {info.name})"
    size = f"{info.size_mb:,.0f} MB" if info.is_ready else f"{info.download_mb or 0:,.0f} MB to download"
    facts = {
        "state": info.state + remedy,
        "size": size,
        "licence": info.licence,
        "accuracy": "; ".join(map(_to_text, info.accuracy)) or "not measured",
    }
    return [f"{info.name}: {info.purpose}", *(f"  {key:<9}{value}" for key, value in facts.items())]


def _to_text(card: dict[str, Any]) -> str:
    """One accuracy card as a sentence: what share lies within which distance, on how many pictures."""
    shares = ", ".join(f"{share:g} % within {km} km" for km, share in card["within_km"].items())
    median = f", median {card['median_km']:g} km" if card.get("median_km") is not None else ""
    return f"{shares}{median} ({card['data']}, {card['n']} pictures)"
