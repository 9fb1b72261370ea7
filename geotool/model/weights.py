"""Weights on disk: one safetensors file per model, read by mapping, written tensor by tensor."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from geotool.core.errors import MismatchError
from geotool.core.report import Report, stop_if_asked

# The format's names of the types that geotool stores.
_TYPE_NAMES = {torch.float32: "F32", torch.bfloat16: "BF16", torch.float16: "F16"}


@dataclass(frozen=True, slots=True)
class LazyTensor:
    """A tensor to be: its shape and type are known, `load` makes it when it is its turn."""

    shape: tuple[int, ...]
    dtype: torch.dtype
    load: Callable[[], Tensor]

    @property
    def size_bytes(self) -> int:
        return torch.Size(self.shape).numel() * self.dtype.itemsize


def read_tensors(path: Path, prefix: str) -> dict[str, Tensor]:
    """The tensors whose names start with `prefix`, without it, mapped from the file (no copy).

    Raises MismatchError where the file is truncated or no safetensors file.
    """
    try:
        with safe_open(path, framework="pt") as file:
            names = [name for name in file.keys() if name.startswith(prefix)]  # noqa: SIM118
            return {name.removeprefix(prefix): file.get_tensor(name) for name in names}
    except (OSError, SafetensorError) as error:
        raise MismatchError(
            f"The weights in {path} are damaged or incomplete ({error}).", "Download or side-load them again."
        ) from error


def write_tensors(path: Path, tensors: dict[str, LazyTensor], report: Report) -> str:
    """Write a safetensors file one tensor at a time and give its sha256.

    The library's writer wants all tensors in memory at once, 0.7 GB for CLIP's visual tower. The
    format is simple: length of the header (8 bytes), header (JSON), data without gaps.
    """
    total = sum(tensor.size_bytes for tensor in tensors.values())
    digest, done = hashlib.sha256(), 0
    with path.open("wb") as file:
        header = _to_header(tensors)
        file.write(header)
        digest.update(header)
        for tensor in tensors.values():
            stop_if_asked(report)
            data = _to_bytes(tensor)
            file.write(data)
            digest.update(data)
            done += len(data)
            report.progress(done, total, unit="B")
        file.flush()
        os.fsync(file.fileno())
    return digest.hexdigest()


def _to_header(tensors: dict[str, LazyTensor]) -> bytes:
    header, start = {}, 0
    for name, tensor in tensors.items():
        end = start + tensor.size_bytes
        offsets = [start, end]
        header[name] = {"dtype": _TYPE_NAMES[tensor.dtype], "shape": tensor.shape, "data_offsets": offsets}
        start = end
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)  # keeps the data aligned
    return len(text).to_bytes(8, "little") + text


def _to_bytes(tensor: LazyTensor) -> bytes:
    value = tensor.load().to(tensor.dtype).contiguous()
    return value.flatten().view(torch.uint8).numpy().tobytes()
