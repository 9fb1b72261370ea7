"""Tiny CLIP checkpoints in every layout people have, with one set of random weights."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor

from geotool.model import zoo
from geotool.model.backbone import VisionTower

WIDTH, LAYERS = 32, 2
SPEC = {"size_px": 28, "patch_px": 14, "width": WIDTH, "layers": LAYERS, "heads": 2, "dim": 768}


def random_tower(**spec: int) -> VisionTower:
    """A tower with seeded random weights; a tiny one unless told otherwise."""
    torch.manual_seed(0)
    tower = VisionTower(**(spec or SPEC)).eval().requires_grad_(False)
    for name, parameter in tower.named_parameters():
        start = 1.0 if name.endswith("weight") and ".ln_" in f".{name}" else 0.0
        parameter.data = start + torch.randn_like(parameter) * 0.05
    return tower


def hugging_face_names(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The same weights as transformers' CLIPModel stores them, written out by hand."""
    vision = "vision_model."
    found = {
        vision + "embeddings.class_embedding": tensors["class_embedding"],
        vision + "embeddings.position_embedding.weight": tensors["positional_embedding"],
        vision + "embeddings.patch_embedding.weight": tensors["conv1.weight"],
        "visual_projection.weight": tensors["proj"].T.contiguous(),
        "text_model.final_layer_norm.bias": torch.zeros(3),  # the text side is not looked at
        "logit_scale": torch.tensor(1.0),
    }
    for kind in ("weight", "bias"):
        found[f"{vision}pre_layrnorm.{kind}"] = tensors[f"ln_pre.{kind}"]
        found[f"{vision}post_layernorm.{kind}"] = tensors[f"ln_post.{kind}"]
        for layer in range(sum(name.endswith("ln_1.bias") for name in tensors)):
            ours, theirs = f"transformer.resblocks.{layer}.", f"{vision}encoder.layers.{layer}."
            for letter, part in zip("qkv", tensors[f"{ours}attn.in_proj_{kind}"].chunk(3), strict=True):
                found[f"{theirs}self_attn.{letter}_proj.{kind}"] = part.clone()
            found[f"{theirs}self_attn.out_proj.{kind}"] = tensors[f"{ours}attn.out_proj.{kind}"]
            found[f"{theirs}layer_norm1.{kind}"] = tensors[f"{ours}ln_1.{kind}"]
            found[f"{theirs}layer_norm2.{kind}"] = tensors[f"{ours}ln_2.{kind}"]
            found[f"{theirs}mlp.fc1.{kind}"] = tensors[f"{ours}mlp.c_fc.{kind}"]
            found[f"{theirs}mlp.fc2.{kind}"] = tensors[f"{ours}mlp.c_proj.{kind}"]
    return found


def write_checkpoint(folder: Path, layout: str, tensors: dict[str, Tensor]) -> Path:
    """One file as `layout` has it."""
    folder.mkdir(parents=True, exist_ok=True)
    if layout.startswith("hf"):
        named = hugging_face_names(tensors)
    else:
        prefix = {"open_clip": "visual.", "ours": "image_tower.", "wrapped": "module.visual."}.get(layout, "")
        named = {prefix + name: value for name, value in tensors.items()}
    if layout in ("hf bin", "open_clip", "wrapped"):
        path = folder / ("pytorch_model.bin" if layout == "hf bin" else "clip.pt")
        torch.save({"state_dict": named} if layout == "wrapped" else named, path)
        return path
    path = folder / ("weights.safetensors" if layout == "ours" else "model.safetensors")
    save_file(named, path)
    return path


def write_tiny_model_json(home: Path, content: bytes = b"") -> Path:
    """A geoclip that wants the tiny tower, in the home folder; its download is `content`."""
    spec = json.loads((zoo.TEMPLATES_DIR / "geoclip" / "model.json").read_text())
    spec["image_tower"] = {"kind": "open_clip", **SPEC}
    spec["preprocessing"]["size_px"] = SPEC["size_px"]
    spec["download"].update(size_bytes=len(content), sha256=hashlib.sha256(content).hexdigest())
    folder = home / "geoclip"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "model.json").write_text(json.dumps(spec))
    return folder
