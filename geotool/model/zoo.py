"""Which models there are. A model is a folder with model.json; adding one is a folder, not an `if`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from geotool.core import paths
from geotool.core.artifacts import fingerprint
from geotool.core.errors import MismatchError, NotFoundError

SPEC_FILE, SCHEMA = "model.json", 1
CALIBRATION_FILE = "calibration.json"
PREFERRED, FALLBACK = "geoclip", "bluemarble"
TEMPLATES_DIR = paths.ASSETS_DIR / "models"  # models whose weights are fetched on demand

# What decides the vectors: a new accuracy card or another title leaves galleries valid.
_IDENTITY = ("image_tower", "image_head", "location_encoder", "preprocessing")


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelInfo:
    """One model as lists and windows show it. Sizes in MB (10^6 bytes)."""

    name: str
    title: str
    purpose: str
    folder: Path
    state: Literal["ready", "not downloaded"]
    size_mb: float  # on disk
    download_mb: float | None  # None: nothing to download
    licence: str
    accuracy: tuple[dict[str, Any], ...]
    spec: dict[str, Any]

    @property
    def is_ready(self) -> bool:
        return self.state == "ready"

    @property
    def vote_km(self) -> float:
        """How near candidates support one another; 0 where the model leaves that to geotool."""
        return float(self.spec.get("vote_km", 0))

    @property
    def fingerprint(self) -> str:
        """Covers the settings and the weights, as recorded when they were written. Not the device."""
        identity = {key: self.spec.get(key) for key in _IDENTITY}
        return fingerprint({**identity, "weights": self.spec.get("weights", {}).get("sha256")})

    @property
    def feature_dim(self) -> int:
        """How many features the image tower gives."""
        head = self.spec["image_head"]
        return int(head["widths"][0] if head else self.spec["location_encoder"]["dim"])

    @property
    def features_fingerprint(self) -> str:
        """The same for all models of one image tower: features made with one of them suit the others."""
        return self.spec.get("features_of", self.fingerprint)


def list_models() -> list[ModelInfo]:
    """Every model, by name: those of the user first, then what ships, then what can be downloaded."""
    found: dict[str, ModelInfo] = {}
    for parent in (*paths.model_dirs(), TEMPLATES_DIR):
        for file in sorted(parent.glob(f"*/{SPEC_FILE}")):
            info = read_model(file.parent)
            if info.name not in found or (info.is_ready and not found[info.name].is_ready):
                found[info.name] = info
    return sorted(found.values(), key=lambda info: (info.name != PREFERRED, info.name))


def find_model(name: str) -> ModelInfo:
    """The model of this name. Raises NotFoundError with the names there are."""
    models = {info.name: info for info in list_models()}
    if name not in models:
        raise NotFoundError(f"There is no model {name!r}.", f"Known: {', '.join(models) or 'none'}.")
    return models[name]


def default_model() -> ModelInfo:
    """GeoCLIP where its weights are on disk, else the embedded Blue Marble model."""
    ready = {info.name: info for info in list_models() if info.is_ready}
    for name in (PREFERRED, FALLBACK, *ready):
        if name in ready:
            return ready[name]
    raise NotFoundError("No model is ready.", f"Run: python -m geotool download {PREFERRED}.")


def read_model(folder: Path) -> ModelInfo:
    """Read one model folder. Raises MismatchError where its model.json cannot be meant."""
    file = folder / SPEC_FILE
    try:
        spec = json.loads(file.read_text(encoding="utf-8"))
        if spec["schema"] != SCHEMA:
            raise MismatchError(f"{file} has schema {spec['schema']}, this geotool reads {SCHEMA}.")
        return _to_info(folder, spec)
    except OSError as error:
        raise NotFoundError(f"There is no model in {folder}.", f"It needs a {SPEC_FILE}.") from error
    except (ValueError, KeyError, TypeError) as error:
        raise MismatchError(
            f"{file} cannot be read as a model ({type(error).__name__}: {error}).",
            "Correct it or move the folder away.",
        ) from error


def weights_file(info: ModelInfo) -> Path:
    return info.folder / info.spec["weights"]["file"]


def find_tower(info: ModelInfo) -> ModelInfo:
    """The model whose file holds the image tower's weights: mostly itself, else the one it was trained on.

    Raises NotFoundError where that one is gone, MismatchError where its weights are others by now.
    """
    tower = info.spec["image_tower"]
    if "from" not in tower:
        return info
    folder = _find_folder(tower["from"])
    if folder is None:
        raise NotFoundError(f"{info.name} sees with the image tower of {tower['from']}, which is not here.")
    source = read_model(folder)
    if source.is_ready and source.spec["weights"]["sha256"] != tower["weights_sha256"]:
        raise MismatchError(
            f"{info.name} was trained with other weights of {source.name} than those in {folder}.",
            f"Restore them, or train {info.name} anew.",
        )
    return source


def gallery_file(info: ModelInfo) -> Path:
    return info.folder / info.spec["gallery"]["coordinates"]


def calibration_file(info: ModelInfo) -> Path | None:
    """The model's calibration: the user's beside model.json, else the one that ships; None without any."""
    files = (folder / CALIBRATION_FILE for folder in (info.folder, TEMPLATES_DIR / info.name))
    return next((file for file in files if file.is_file()), None)


def _to_info(folder: Path, spec: dict[str, Any]) -> ModelInfo:
    own = [folder / spec["weights"]["file"], folder / spec["gallery"]["coordinates"]]
    tower = spec["image_tower"].get("from")
    download = spec.get("download")
    return ModelInfo(
        name=spec["name"], title=spec["title"], purpose=spec["purpose"], folder=folder,
        state="ready" if all(map(Path.is_file, own)) and (not tower or _has_weights(tower))
        else "not downloaded",
        size_mb=sum(file.stat().st_size for file in own if file.is_file()) / 1e6,
        download_mb=download["size_bytes"] / 1e6 if download else None,
        licence=spec["licence"], accuracy=tuple(spec["accuracy"]), spec=spec,
    )  # fmt: skip


def _find_folder(name: str) -> Path | None:
    folders = [parent / name for parent in (*paths.model_dirs(), TEMPLATES_DIR)]
    return next((folder for folder in folders if (folder / SPEC_FILE).is_file()), None)


def _has_weights(name: str) -> bool:
    folder = _find_folder(name)
    if folder is None:
        return False
    spec = json.loads((folder / SPEC_FILE).read_text(encoding="utf-8"))
    return (folder / spec["weights"]["file"]).is_file()
