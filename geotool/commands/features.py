"""Look at a feature store: `features info STORE` tells what it holds, `features verify STORE` checks it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geotool.core.config import option
from geotool.core.errors import MismatchError
from geotool.core.report import Report

if TYPE_CHECKING:
    from geotool.features.store import FeatureStore


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `features`."""

    action: Literal["info", "verify"] = option(help="info or verify", positional=True)
    store: Path = option(help="feature store, as precompute wrote it", positional=True)
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> int:
    """Print what a store holds, or what is wrong with it; the exit code is 4 if anything is."""
    if config.action == "info":
        from geotool.features.store import load_store

        facts = _to_facts(load_store(config.store))
        print(json.dumps(facts) if config.format == "json" else _to_lines(facts))
        return 0
    from geotool.features.verify import verify_store

    problems = verify_store(config.store, report)
    if config.format == "json":
        print(json.dumps({"folder": str(config.store), "sound": not problems, "problems": problems}))
    else:
        print("\n".join(problems) or "The store is sound.")
    return MismatchError.exit_code if problems else 0


def _to_facts(store: FeatureStore) -> dict[str, Any]:
    inputs, size_bytes = store.meta.inputs, sum(f.stat().st_size for f in store.folder.iterdir())
    return {
        "folder": str(store.folder),
        "rows": len(store),
        "views": store.views,
        "dim": store.dim,
        "files": len(store.shards),
        "size_mb": round(size_bytes / 1e6, 3),
        "model": inputs.get("model"),
        "preprocessing": inputs.get("preprocessing"),
        "data": inputs.get("data"),
        "failures": store.meta.config["failed"],
        "created": store.created,
        "fingerprint": store.meta.fingerprint,
    }


def _to_lines(facts: dict[str, Any]) -> str:
    numbers = {name: f"{value:,}" for name, value in facts.items() if isinstance(value, int | float)}
    return "\n".join(f"{name:<14}{numbers.get(name, value)}" for name, value in facts.items())
