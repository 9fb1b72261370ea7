"""The settings of a tower's training, with their defaults: the only place that states them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.core.config import option


@dataclass(frozen=True, kw_only=True)
class TowerConfig:
    """Settings of `train-tower`."""

    data: Path = option(help="data set: a folder with images/ and metadata.csv", positional=True)
    out: Path = option(help="model folder to write; its name becomes the model's name")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    seed: int = option(0, help="the same seed, data and machine give the same model", min=0)
    steps: int = option(1100, help="optimiser steps", min=1)
    batch: int = option(512, help="pictures per step", min=2)
    muon_lr: float = option(0.02, help="highest learning rate of the matrices (Muon)", min=0)
    lr: float = option(2e-3, help="highest learning rate of everything else (AdamW)", min=0)
    warmup: float = option(0.1, help="share of the steps in which the learning rate rises", min=0, max=1)
    negatives: int = option(1024, help="places beside the batch's own that a picture is compared with", min=0)
    softness_km: float = option(30.0, help="places about this near count as right too", min=1, unit="km")
    augment: bool = option(True, help="vary season, snow, colours, turn and scale")
    save_every: int = option(200, help="steps between two checkpoints", min=1)
    size_px: int = option(64, help="side of the pictures the tower sees", min=32, unit="px")
    early_px: int = option(48, help="side while training begins: coarser is quicker", min=32, unit="px")
    early: float = option(0.5, help="share of the steps that see the smaller pictures", min=0, max=1)
    widths: tuple[int, ...] = option(
        (64, 128, 256), help="channels of the stem and of each stage, multiples of 4"
    )
    blocks: tuple[int, ...] = option((2, 3), help="residual blocks of each stage")
    grid: int = option(4, help="side of the last map, in cells", min=1)
    features: int = option(384, help="features of a picture before the image head", min=1)
    dim: int = option(256, help="dimensions of the space shared by pictures and places", min=2)
    sigmas: tuple[float, ...] = option((4.0, 16.0, 64.0), help="scales of the location encoder")
    frequencies: int = option(128, help="Fourier features per scale", min=1)
    hidden: int = option(384, help="width of the location encoder", min=1)
    gallery: Path | None = option(
        None, help="coordinates to answer with, a .npy of (N, 2) lat, lon (default: those of the data set)"
    )
    vote_km: float = option(
        150.0,
        help="candidates about this near support one another; 0: as near as for models that set nothing",
        min=0,
        unit="km",
    )
    title: str = option("", help="one line for model lists (default: the name)")
    purpose: str = option("", help="what pictures the model is for, in one sentence")
    licence: str = option("", help="licence of the weights")
