"""Made-up results of a study, and the settings of one that takes seconds."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from PIL import Image

from geotool.study.config import StudyConfig
from tests.demo.worlds import two_continents

KM = ("1", "25", "100", "200", "750", "2500")


def tiny_study(folder: Path, world: Path, **changes: object) -> StudyConfig:
    settings = dict(  # noqa: C408
        folder=folder, world=world, tower="source", variants=("features", "both", "guided"), seeds=2,
        tiles=24, test_tiles=12, steps=2, epochs=2, batch=16, gallery_size=100, device="cpu",
    )  # fmt: skip
    return StudyConfig(**{**settings, **changes})  # type: ignore[arg-type]


def write_world(path: Path) -> Path:
    Image.fromarray(two_continents().pixels).save(path)
    return path


def result(percent: float, median_km: float = 100.0, query_ms: float = 5.0) -> dict[str, Any]:
    figures = {
        "n": 10, "within_km": dict.fromkeys(KM, percent), "median_km": median_km, "score": percent
    }  # fmt: skip
    return {"tests": {"unseen": figures}, "query_ms": query_ms, "guidance": None}
