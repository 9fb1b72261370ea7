"""List the models with their state, size, licence and accuracy."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any, Literal

from geotool.core.config import option
from geotool.core.report import Report
from geotool.model.zoo import ModelInfo, list_models


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `models`."""

    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Print one row per model."""
    models = list_models()
    if config.format == "json":
        print(json.dumps({"models": [_to_row(info) for info in models]}, indent=1))
        return
    for info in models:
        print("\n".join(_to_lines(info)))


def _to_row(info: ModelInfo) -> dict[str, Any]:
    names = ("name", "title", "purpose", "state", "size_mb", "download_mb", "licence", "accuracy")
    return {**{name: getattr(info, name) for name in names}, "folder": str(info.folder)}


def _to_lines(info: ModelInfo) -> list[str]:
    remedy = "" if info.is_ready else f" (python -m geotool download {info.name})"
    size = f"{info.size_mb:,.0f} MB" if info.is_ready else f"{info.download_mb or 0:,.0f} MB to download"
    facts = {
        "state": info.state + remedy,
        "size": size,
        "licence": info.licence,
        "accuracy": "; ".join(map(_to_text, info.accuracy)) or "not measured",
    }
    return [f"{info.name}: {info.purpose}", *(f"  {key:<9}{value}" for key, value in facts.items())]


def _to_text(card: dict[str, Any]) -> str:
    """One accuracy card as a sentence: what share lies within which distance, on how many pictures."""
    shares = ", ".join(f"{share:g} % within {km} km" for km, share in card["within_km"].items())
    median = f", median {card['median_km']:g} km" if card.get("median_km") is not None else ""
    return f"{shares}{median} ({card['data']}, {card['n']} pictures)"
