"""Fair timing on a noisy machine: the sides take turns, the least time of each counts. And its memory."""

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
        return _read_kernel_bytes("/proc/self/status", "VmHWM") / 1e6
    import resource

    unit_bytes = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit_bytes / 1e6


def free_memory_bytes() -> int | None:
    """The memory that can be taken without swapping; None where the system does not say."""
    return _read_kernel_bytes("/proc/meminfo", "MemAvailable") if sys.platform == "linux" else None


def _read_kernel_bytes(file: str, name: str) -> int:
    with Path(file).open(encoding="utf-8") as lines:
        return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024
