"""Settings of `precompute`, apart from what they set so that --help need not load it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.core.config import option
from geotool.features.views import MAX_VIEWS


@dataclass(frozen=True, kw_only=True)
class PrecomputeConfig:
    """Settings of `precompute`."""

    data: Path = option(
        help="data set: a folder, a CSV or Parquet table, a tar file or a folder of them", positional=True
    )
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    out: Path | None = option(
        None, help="feature store to write (default: features/MODEL-DATA in the home folder)"
    )
    views: int = option(
        1, help="parts kept per photo: the whole, then its middle and corners", min=1, max=MAX_VIEWS
    )
    engine: Literal["local", "ray"] = option("local", help="this process, or a Ray cluster (docs/cluster.md)")
    address: str | None = option(None, help="ray: the cluster to join (default: one on this machine alone)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="local: where to compute")
    max_failures: int | None = option(
        None, help="stop with exit code 6 as soon as more photos have failed (default: never)", min=0
    )
    append: bool = option(False, help="add the photos that the store does not hold yet")
    dry_run: bool = option(False, help="look through the data set, estimate disk and time, and stop there")
    format: Literal["table", "json"] = option("table", help="output")
