"""A CLIP checkpoint + the package's heads -> the model folder geoclip, ready to be mapped."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from geotool.core import paths
from geotool.core.artifacts import file_sha256, new_artifact, write_json
from geotool.core.errors import UsageError
from geotool.core.report import Report
from geotool.model import geoclip_package, zoo
from geotool.model.backbone import VisionTower
from geotool.model.clip_checkpoint import find_checkpoint_file, find_tower, open_checkpoint
from geotool.model.devices import Precision, to_dtype
from geotool.model.download import RemoteFile, check_space, fetch
from geotool.model.weights import LazyTensor, write_tensors

KIND, SCHEMA = "model", 1
DOWNLOADS = "downloads"  # folder for files on their way


def download_model(name: str, report: Report) -> zoo.ModelInfo:
    """Fetch the weights of a model from the Hub, convert them, remove the original (1.7 GB).

    Raises what `fetch` and `side_load` raise; UsageError where a model has nothing to download.
    """
    info = zoo.find_model(name)
    remote = _remote_file(info)
    if info.is_ready:
        report.event(f"{info.name} is ready", folder=info.folder)
        return info
    size = f"{remote.size_bytes / 1e6:,.0f} MB"
    report.event("download", file=remote.file, repo=remote.repo, revision=remote.revision[:8], size=size)
    folder = paths.home() / DOWNLOADS / info.name
    installed = side_load(name, fetch(remote, folder / remote.file, report), report)
    shutil.rmtree(folder)
    return installed


def side_load(name: str, source: Path, report: Report) -> zoo.ModelInfo:
    """Make the model folder from a checkpoint that is already here; see `clip_checkpoint` for layouts.

    Raises NotFoundError, MismatchError (incomplete, damaged, another model), UsageError.
    """
    info = zoo.find_model(name)
    remote = _remote_file(info)
    file = find_checkpoint_file(source.expanduser())
    digest = file_sha256(file)
    if digest != remote.sha256:
        report.event("not the pinned file: geotool cannot tell whether its weights are OpenAI's", file=file)
    return build_model(info, file, paths.home() / info.name, report, "bf16")


def build_model(
    info: zoo.ModelInfo, file: Path, target: Path, report: Report, precision: Precision
) -> zoo.ModelInfo:
    """Convert one checkpoint file into the model folder `target`, which is replaced when all is written."""
    tensors = _list_tensors(info, file, to_dtype(precision))
    target.parent.mkdir(parents=True, exist_ok=True)
    check_space(target.parent, sum(tensor.size_bytes for tensor in tensors.values()))
    inputs = {"file": file.name, "sha256": file_sha256(file)}
    with new_artifact(target, KIND, SCHEMA, inputs, {"precision": precision}) as folder:
        _write_model(info, tensors, folder, report)
    return zoo.read_model(target)


def _write_model(info: zoo.ModelInfo, tensors: dict[str, LazyTensor], folder: Path, report: Report) -> None:
    weights = {"file": "weights.safetensors"}
    weights["sha256"] = write_tensors(folder / weights["file"], tensors, report)
    np.save(folder / info.spec["gallery"]["coordinates"], geoclip_package.read_gallery())
    write_json(folder / zoo.SPEC_FILE, {**info.spec, "weights": weights})


def _list_tensors(info: zoo.ModelInfo, file: Path, dtype: torch.dtype) -> dict[str, LazyTensor]:
    arguments = {key: value for key, value in info.spec["image_tower"].items() if key != "kind"}
    with torch.device("meta"):
        tower = VisionTower(**arguments)
    parts = {
        "image_tower.": find_tower(open_checkpoint(file), tower, dtype),
        "image_head.": _to_lazy(geoclip_package.read_image_head()),
        "location_encoder.": _to_lazy(geoclip_package.read_location_encoder()),
    }
    return {prefix + name: tensor for prefix, part in parts.items() for name, tensor in part.items()}


def _to_lazy(tensors: dict[str, Tensor]) -> dict[str, LazyTensor]:
    def lazy(value: Tensor) -> LazyTensor:
        return LazyTensor(tuple(value.shape), value.dtype, lambda: value)

    return {name: lazy(value) for name, value in tensors.items()}


def _remote_file(info: zoo.ModelInfo) -> RemoteFile:
    if "download" not in info.spec:
        raise UsageError(f"The model {info.name} has nothing to download: it lies in {info.folder}.")
    return RemoteFile(**info.spec["download"])
