"""Where to compute, and with how many bits: decided once, said aloud, never changed silently."""

from __future__ import annotations

from typing import Literal, get_args

import torch

from geotool.core.errors import DeviceError, UsageError

Precision = Literal["fp32", "bf16", "fp16"]
DEVICES = ("auto", "cpu", "cuda", "mps")

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}
_REMEDIES = {
    "cuda": "Install an NVIDIA driver and the CUDA build of PyTorch, or choose --device cpu.",
    "mps": "It needs a Mac with Apple silicon; choose --device cpu.",
}


def find_device(wanted: str = "auto") -> str:
    """The device to use: "cpu", "cuda" or "mps". "auto" takes the fastest one present.

    Raises DeviceError where a device that was asked for is missing: never a silent fallback.
    """
    if wanted not in DEVICES:
        raise UsageError(f"There is no device {wanted!r}.", f"Choose from {', '.join(DEVICES)}.")
    present = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, is_here in present.items() if is_here)
    if not present[wanted]:
        raise DeviceError(f"The device {wanted} was asked for, but PyTorch finds none.", _REMEDIES[wanted])
    return wanted


def choose_precision(device: str) -> Precision:
    """Half precision where the hardware computes in it, fp32 elsewhere.

    A CPU without bf16 instructions emulates bf16 and is slower with it than with fp32.
    """
    if device == "cuda":
        return "bf16" if torch.cuda.is_bf16_supported(including_emulation=False) else "fp16"
    return "bf16" if device == "cpu" and _cpu_computes_bf16() else "fp32"


def to_dtype(precision: str) -> torch.dtype:
    """The torch type of a precision's name. Raises UsageError for unknown names."""
    if precision not in _DTYPES:
        raise UsageError(f"There is no precision {precision!r}.", f"Known: {', '.join(get_args(Precision))}.")
    return _DTYPES[precision]


def _cpu_computes_bf16() -> bool:
    found = torch.cpu.get_capabilities()  # what the processor itself reports
    return bool(found.get("avx512_bf16") or found.get("amx_bf16"))
