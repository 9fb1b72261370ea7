"""A tiny data set and settings for a training of seconds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from geotool.training.tower.config import TowerConfig


def write_tiny_set(folder: Path, count: int = 32, size_px: int = 48) -> Path:
    rng = np.random.default_rng(0)
    (folder / "images").mkdir(parents=True)
    lines = ["IMG_ID,LAT,LON"]
    for i in range(count):
        lat, lon = rng.uniform(-50, 70), rng.uniform(-180, 179)
        base = np.array([120 + lat, 90 + lon / 3, 40])
        pixels = np.clip(base + rng.normal(0, 12, (size_px, size_px, 3)), 0, 255).astype(np.uint8)
        Image.fromarray(pixels).save(folder / "images" / f"{i}.png")
        lines.append(f"{i}.png,{lat:.4f},{lon:.4f}")
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


def tiny_config(data: Path, out: Path, **changes) -> TowerConfig:
    settings = dict(  # noqa: C408
        data=data, out=out, device="cpu", steps=4, batch=16, negatives=8, size_px=32, widths=(4, 8, 16),
        blocks=(1, 1), grid=2, features=12, dim=8, sigmas=(4.0,), frequencies=8, hidden=16, save_every=100,
    )  # fmt: skip
    return TowerConfig(**{**settings, **changes})
