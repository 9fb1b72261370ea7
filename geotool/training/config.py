"""The settings of a training on features, with their defaults: the only place that states them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.core.config import option
from geotool.training.schedule import Schedule

FRESH_LR, TUNED_LR = 1e-3, 3e-5  # from random heads; from trained ones, as GeoCLIP's derivatives do


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """Settings of `train`."""

    features: Path = option(help="feature store that precompute wrote", positional=True)
    out: Path = option(help="model folder to write; its name becomes the model's name")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    precision: Literal["auto", "bf16", "fp32"] = option(
        "auto", help="bits of the matrix products; auto is bf16 where the hardware computes in it"
    )
    seed: int = option(0, help="the same seed, features and machine give the same model", min=0)

    init: str | None = option(
        None,
        help="model to fine-tune, on your own region say (default: fresh heads, shaped as the model's that "
        "made the features)",
    )
    gate: bool | None = option(
        None, help="gated layers in the location encoder, with as many parameters (default: as the model)"
    )
    input: Literal["equal_earth", "sphere"] | None = option(
        None,
        help="what the location encoder reads; a sphere has no seam at 180 degrees (default: as the model)",
    )
    sigmas: tuple[float, ...] = option((), help="scales of the location encoder (default: as the model)")
    hidden: int | None = option(None, help="width of the location encoder (default: as the model)", min=8)
    finer: float | None = option(
        None, help="sigma of one more, finer capsule that starts at nothing, for detail within cities"
    )

    epochs: int = option(30, help="times that every row is seen, at most", min=1)
    batch: int = option(512, help="rows per step and process: more of them are more negatives", min=2)
    optimiser: Literal["adamw", "muon"] = option(
        "adamw", help="muon makes more of each step of a small model; its own cost grows with the width"
    )
    lr: float | None = option(
        None, help=f"highest learning rate of AdamW (default {FRESH_LR:g}, with --init {TUNED_LR:g})", min=0
    )
    muon_lr: float = option(0.02, help="highest learning rate of the matrices with --optimiser muon", min=0)
    weight_decay: float = option(1e-2, help="of the matrices that AdamW trains: keeps them small", min=0)
    schedule: Schedule = option(
        "cosine", help="how the learning rate falls: to 0 along a cosine or a line, or by 13 % per epoch"
    )
    warmup: float = option(0.05, help="share of the steps in which the learning rate rises", min=0, max=1)
    random_views: bool = option(
        True, help="draw one of the stored views of a row in each epoch, else the first"
    )
    gps_noise_km: float = option(
        0.0,
        help="move places by about this much at each step, so that none is learnt by heart",
        min=0,
        unit="km",
    )

    queue: int = option(4096, help="places beside the batch's own that a picture is compared with", min=0)
    queue_form: Literal["gradient", "frozen", "cached"] = option(
        "gradient", help="encode them with gradient, again without, or keep the vectors they had"
    )
    mask_km: float = option(
        1.0,
        help="a place nearer than this to a picture's own is no wrong answer, and is left out",
        min=0,
        unit="km",
    )
    constraint: float = option(
        0.0, help="weight of telling the cell of a picture beside its place; 0: not at all", min=0
    )
    cells: tuple[int, ...] = option((64, 512), help="cells of each level that the constraint tells", min=2)

    validation: Path | None = option(None, help="feature store to validate on (default: a share of FEATURES)")
    validation_share: float = option(
        0.05, help="share of the rows kept for validation, whole authors where known", min=0, max=0.9
    )
    patience: int = option(5, help="epochs without a better validation before it ends; 0: never", min=0)
    save_every: int = option(500, help="steps between two checkpoints; each epoch ends with one", min=1)
    workers: int = option(
        0, help="processes that read ahead where the features do not fit into the GPU's memory", min=0
    )

    gallery: Path | None = option(
        None, help="coordinates to answer with, a .npy of (N, 2) lat, lon (default: those of FEATURES)"
    )
    title: str = option("", help="one line for model lists (default: the name)")
    purpose: str = option("", help="what pictures the model is for, in one sentence (default: as the model)")
    licence: str = option("", help="licence of the weights (default: that of the model)")

    @property
    def highest_lr(self) -> float:
        if self.lr is not None:
            return self.lr
        return FRESH_LR if self.init is None else TUNED_LR
