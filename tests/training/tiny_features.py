"""A tiny model, stores of features that tell where they are from, and settings for a training of a second."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch

from geotool.core.report import SilentReport
from geotool.core.sphere import to_xyz
from geotool.features.blocks import Block
from geotool.features.writer import open_writer
from geotool.model.zoo import ModelInfo, read_model
from geotool.training.config import TrainConfig
from geotool.training.tower.export import write_model
from geotool.training.tower.trainer import Pair
from tests.training.tower.tiny_tower import tiny_config as tower_config

DIM = 12


def write_source(home: Path, name: str = "source") -> ModelInfo:
    """A model with a random tile tower, familiar with features around 1."""
    torch.manual_seed(0)
    config = tower_config(home / "set", home / name, licence="Licence of the source", purpose="Tiles.")
    colours = {"colours": torch.zeros(24**3), "mean": torch.ones(DIM), "precision": torch.eye(DIM)}
    measures = {"median": torch.tensor([0.0, 0.0, -3.0, 0.9]), "spread": torch.full((4,), 2.0)}
    write_model(
        config, Pair(config).eval(), np.array([[0.0, 0.0], [10.0, 20.0]]), ({**colours, **measures}, -1.8)
    )
    return read_model(home / name)


def draw_rows(count: int, views: int = 1, seed: int = 0, far: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """(N, 2) places and their (N, V, F) features, a fixed map of the place with a little noise per view."""
    rng = np.random.default_rng(seed)
    latlon = np.stack([rng.uniform(-60, 60, count), rng.uniform(-180, 179, count)], axis=1)
    mix = np.random.default_rng(99).normal(size=(3, DIM))
    clean = 1 + far + to_xyz(latlon) @ mix  # (N, F)
    noise = 0.02 * rng.normal(size=(count, views, DIM))
    return latlon, (clean[:, None] + noise).astype(np.float16)


def write_store(
    folder: Path, source: ModelInfo, count: int = 70, views: int = 2, seed: int = 0, far: float = 0.0,
    authors: list[str | None] | None = None,
) -> Path:  # fmt: skip
    latlon, features = draw_rows(count, views, seed, far)
    names = [f"{seed}-{i}" for i in range(count)]
    block = Block(
        ids=names, paths=names, authors=authors or [None] * count, sha256s=names, latlon_deg=latlon,
        features=features,
    )  # fmt: skip
    spec = source.spec["preprocessing"]
    inputs = {"model": source.fingerprint, "preprocessing": spec, "views": views, "data": f"seed {seed}"}
    with open_writer(folder, inputs, {"model": source.name}, views, DIM, SilentReport()) as writer:
        writer.append(block)
        writer.finish()
    return folder


def tiny_config(features: Path, out: Path, **changes: object) -> TrainConfig:
    settings = dict(  # noqa: C408
        features=features, out=out, device="cpu", precision="fp32", epochs=3, batch=16, queue=24,
        validation_share=0.2, save_every=100,
    )  # fmt: skip
    return TrainConfig(**{**settings, **changes})
