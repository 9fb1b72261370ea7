"""Small data sets whose photos all differ, and what became of them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from geotool.core.report import SilentReport
from geotool.features.config import PrecomputeConfig


def write_photo_set(folder: Path, count: int = 20, broken: Iterable[int] = (), first: int = 0) -> Path:
    """images/ and metadata.csv; `broken` photos are no pictures."""
    (folder / "images").mkdir(parents=True)
    lines = ["IMG_ID,LAT,LON,AUTHOR"]
    for number in range(first, first + count):
        rng = np.random.default_rng(number)
        path = folder / "images" / f"{number:03}.jpg"
        colours = Image.fromarray(rng.integers(0, 256, (4, 5, 3), dtype=np.uint8))
        colours.resize((50, 40)).save(path, "JPEG", quality=95)
        if number in broken:
            path.write_bytes(b"no picture")
        lines.append(f"{number:03}.jpg,{number % 160 / 2:.3f},{-(number % 160):.3f},author {number % 3}")
    (folder / "metadata.csv").write_text("\n".join(lines))
    return folder


def settings(data: Path, out: Path, **changes: Any) -> PrecomputeConfig:
    return PrecomputeConfig(**{"data": data, "out": out, "model": "tiny", "device": "cpu", **changes})


class StopAfter(SilentReport):
    """Asks to stop once so many photos of a run are done."""

    def __init__(self, photos: int) -> None:
        self.photos, self.stop_requested = photos, False
        self.is_running = False

    def event(self, name: str, **values: Any) -> None:
        self.is_running = self.is_running or name == "measuring a sample"

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        if self.is_running and unit == "photos" and done >= self.photos:
            self.stop_requested = True
