"""Fair timing on a noisy machine: the sides take turns, the least time of each counts."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path


def least_seconds(sides: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Call every side once per round, in turns; the least seconds of each, after one warm-up call."""
    for call in sides.values():
        call()
    best = dict.fromkeys(sides, float("inf"))
    for _ in range(rounds):
        for name, call in sides.items():
            start = time.perf_counter()
            call()
            best[name] = min(best[name], time.perf_counter() - start)
    return best


def peak_memory_mb() -> float | None:
    """The most memory this process held so far, in MB; None where the system does not say (Windows)."""
    if sys.platform == "win32":
        return None
    if sys.platform == "linux":  # getrusage would count the parent's memory: it is kept across exec
        with Path("/proc/self/status").open(encoding="utf-8") as status:
            return next(int(line.split()[1]) for line in status if line.startswith("VmHWM")) * 1024 / 1e6
    import resource

    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes / 1e6
