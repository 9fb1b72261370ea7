"""Devices are found or refused, never replaced in silence."""

from __future__ import annotations

import pytest
import torch

from geotool.core.errors import DeviceError, UsageError
from geotool.model.devices import choose_precision, find_device, to_dtype


def pretend(monkeypatch: pytest.MonkeyPatch, *, cuda: bool = False, mps: bool = False) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)


@pytest.mark.parametrize(
    ("cuda", "mps", "found"), [(False, False, "cpu"), (True, False, "cuda"), (False, True, "mps")]
)
def test_auto_takes_the_fastest_present(
    monkeypatch: pytest.MonkeyPatch, cuda: bool, mps: bool, found: str
) -> None:
    pretend(monkeypatch, cuda=cuda, mps=mps)
    assert find_device("auto") == found


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_missing_device_is_an_error_with_a_remedy(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    pretend(monkeypatch)
    with pytest.raises(DeviceError, match=wanted) as caught:
        find_device(wanted)
    assert "--device cpu" in caught.value.hint


def test_an_unknown_device_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="tpu"):
        find_device("tpu")


@pytest.mark.parametrize(
    ("found", "precision"), [({"avx512_bf16": True}, "bf16"), ({"amx_bf16": True}, "bf16"), ({}, "fp32")]
)
def test_a_cpu_gets_bf16_only_where_it_computes_in_it(
    monkeypatch: pytest.MonkeyPatch, found: dict[str, bool], precision: str
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: found)
    assert choose_precision("cpu") == precision


@pytest.mark.parametrize(("native", "precision"), [(True, "bf16"), (False, "fp16")])
def test_cuda_gets_half_precision(monkeypatch: pytest.MonkeyPatch, native: bool, precision: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda including_emulation: native)
    assert choose_precision("cuda") == precision


def test_mps_gets_full_precision() -> None:
    assert choose_precision("mps") == "fp32"


def test_precisions_have_types() -> None:
    assert to_dtype("bf16") is torch.bfloat16
    with pytest.raises(UsageError, match="int8"):
        to_dtype("int8")
