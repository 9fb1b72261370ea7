"""CLIP checkpoints as people have them -> the tensors of `VisionTower`, whatever they call them.

Two families of names exist. open_clip, OpenAI's state dict and our own file name the tower's tensors
as `VisionTower` does, after some prefix ("visual.", "image_tower.", nothing). transformers has
names of its own, q, k and v apart, and the projection transposed.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from pickle import UnpicklingError

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn

from geotool.core.errors import MismatchError, NotFoundError, UsageError
from geotool.model.backbone import is_matrix
from geotool.model.weights import LazyTensor

FILE_NAMES = (  # looked for in a folder, in this order
    "weights.safetensors",
    "model.safetensors",
    "open_clip_model.safetensors",
    "pytorch_model.bin",
    "open_clip_pytorch_model.bin",
)
_SUFFIXES = (".safetensors", ".bin", ".pt", ".pth")
_ANCHOR = "class_embedding"  # in every layout; what stands before it is the prefix
_HF_ANCHOR = "vision_model.embeddings.class_embedding"
_HF_NAMES = (  # ours -> transformers', the first that fits
    ("class_embedding", _HF_ANCHOR),
    ("positional_embedding", "vision_model.embeddings.position_embedding.weight"),
    ("conv1.", "vision_model.embeddings.patch_embedding."),
    ("ln_pre.", "vision_model.pre_layrnorm."),  # their spelling
    ("ln_post.", "vision_model.post_layernorm."),
    ("proj", "visual_projection.weight"),
)
_HF_BLOCK_NAMES = {
    "ln_1": "layer_norm1",
    "ln_2": "layer_norm2",
    "attn": "self_attn",
    "mlp.c_fc": "mlp.fc1",
    "mlp.c_proj": "mlp.fc2",
}


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A file of named tensors; nothing is read before `load`."""

    path: Path
    shapes: dict[str, tuple[int, ...]]
    load: Callable[[str], Tensor]


def find_checkpoint_file(path: Path) -> Path:
    """The checkpoint in a folder (a cache of the Hub too), or the file itself.

    Raises NotFoundError, or UsageError where a folder holds several and none is named as usual.
    """
    if path.is_file():
        return path
    if not path.is_dir():
        raise NotFoundError(f"There is no file or folder {path}.", "Check the path.")
    found = sorted(file for file in path.rglob("*") if file.suffix in _SUFFIXES)
    for name in FILE_NAMES:
        for file in found:
            if file.name == name:
                return file
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFoundError(f"{path} holds no checkpoint.", f"Looked for {', '.join(FILE_NAMES[1:])}.")
    raise UsageError(f"{path} holds {len(found)} checkpoints.", "Give the one file with CLIP's weights.")


def open_checkpoint(path: Path) -> Checkpoint:
    """Open a safetensors file or a PyTorch state dict. Raises MismatchError for anything else."""
    try:
        return _open_torch(path) if _is_torch(path) else _open_safetensors(path)
    except (OSError, RuntimeError, SafetensorError, UnpicklingError, EOFError, ValueError) as error:
        raise MismatchError(
            f"{path} cannot be read as a checkpoint: it is truncated, or no safetensors file or state dict.",
            "Fetch it again; from a TorchScript archive, save the state dict first.",
        ) from error


def find_tower(checkpoint: Checkpoint, tower: nn.Module, dtype: torch.dtype) -> dict[str, LazyTensor]:
    """The tensors of `tower` (on the meta device), matrices as `dtype`, the others float32.

    Raises MismatchError naming what is missing or of another shape.
    """
    sources = {name: _find_source(checkpoint, name) for name, _ in tower.named_parameters()}
    missing = [part for parts, _ in sources.values() for part in parts if part not in checkpoint.shapes]
    if missing:
        raise MismatchError(
            f"{checkpoint.path} lacks {len(missing)} tensors of CLIP's visual tower: {_list(missing)}.",
            "Use OpenAI's CLIP ViT-L/14 with its image projection.",
        )
    return {
        name: _to_lazy(checkpoint, name, sources[name], tuple(wanted.shape), dtype)
        for name, wanted in tower.named_parameters()
    }


def _to_lazy(
    checkpoint: Checkpoint,
    name: str,
    source: tuple[list[str], bool],
    shape: tuple[int, ...],
    dtype: torch.dtype,
) -> LazyTensor:
    parts, transposed = source
    found = [checkpoint.shapes[part] for part in parts]
    joined = (sum(first[0] for first in found), *found[0][1:])
    if (joined[::-1] if transposed else joined) != shape:
        raise MismatchError(
            f"{checkpoint.path} holds another model: {parts[0]} has the shape {list(found[0])}.",
            "Use OpenAI's CLIP ViT-L/14 for 224 px pictures.",
        )

    def load() -> Tensor:
        value = torch.cat([checkpoint.load(part) for part in parts])
        return value.T if transposed else value

    return LazyTensor(shape, dtype if is_matrix(name) else torch.float32, load)


def _find_source(checkpoint: Checkpoint, name: str) -> tuple[list[str], bool]:
    """Where our tensor `name` lies in the checkpoint: the parts to stack, and whether to transpose."""
    anchors = [key for key in checkpoint.shapes if key.endswith(_ANCHOR)]
    hugging_face = [key for key in anchors if key.endswith(_HF_ANCHOR)]
    if hugging_face:
        prefix = hugging_face[0].removesuffix(_HF_ANCHOR)
        return [prefix + part for part in _to_hf_names(name)], name == "proj"
    prefix = anchors[0].removesuffix(_ANCHOR) if anchors else "visual."
    return [prefix + name], False


def _to_hf_names(name: str) -> list[str]:
    for ours, theirs in _HF_NAMES:
        if name.startswith(ours):
            return [theirs + name.removeprefix(ours)]
    _, _, number, rest = name.split(".", 3)  # transformer.resblocks.7.attn.in_proj_weight
    block = f"vision_model.encoder.layers.{number}."
    if rest.startswith("attn.in_proj_"):
        kind = rest.removeprefix("attn.in_proj_")  # weight or bias
        return [f"{block}self_attn.{letter}_proj.{kind}" for letter in "qkv"]
    ours = next(key for key in _HF_BLOCK_NAMES if rest.startswith(key))
    return [block + _HF_BLOCK_NAMES[ours] + rest.removeprefix(ours)]


def _is_torch(path: Path) -> bool:
    with path.open("rb") as file:
        start = file.read(2)
    return start in (b"PK", b"\x80\x02")  # a zip archive, or the pickle of old versions


def _open_safetensors(path: Path) -> Checkpoint:
    with safe_open(path, framework="pt") as file:
        shapes = {name: tuple(file.get_slice(name).get_shape()) for name in file.keys()}  # noqa: SIM118

    def load(name: str) -> Tensor:
        # Opened for each tensor, so that pages read before can leave memory.
        with safe_open(path, framework="pt") as file:
            return file.get_tensor(name)

    return Checkpoint(path, shapes, load)


def _open_torch(path: Path) -> Checkpoint:
    state = torch.load(path, map_location="cpu", weights_only=True, mmap=zipfile.is_zipfile(path))
    tensors = {
        name: value for name, value in state.get("state_dict", state).items() if torch.is_tensor(value)
    }
    return Checkpoint(
        path, {name: tuple(value.shape) for name, value in tensors.items()}, tensors.__getitem__
    )


def _list(names: list[str], shown: int = 5) -> str:
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
