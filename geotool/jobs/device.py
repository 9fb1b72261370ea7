"""Which device a job keeps busy: one job at a time computes on each."""

from __future__ import annotations

import os
import platform
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from geotool.core.records import Device

_DRIVERS = (Path("/proc/driver/nvidia/version"), Path("/dev/kfd"))


def device_of(config: Mapping[str, Any]) -> Device:
    """The device of a command with these settings; a command without `device` computes on the CPU."""
    wanted = config.get("device", "cpu")
    if wanted == "auto":
        return "gpu" if _has_gpu() else "cpu"
    return "cpu" if wanted == "cpu" else "gpu"


def _has_gpu() -> bool:
    """Told by the driver, without loading torch: a wrong guess costs a turn in the queue and no result."""
    if sys.platform == "darwin":
        return platform.machine() == "arm64"
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return any(driver.exists() for driver in _DRIVERS) or shutil.which("nvidia-smi") is not None
