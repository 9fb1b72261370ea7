"""Dying in the middle of writing, at a step of one's choice."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from geotool.core import artifacts, durable
from geotool.core.errors import GeotoolError


class Killed(BaseException):
    """Stands for a kill: nothing handles it."""


def die_at(monkeypatch: pytest.MonkeyPatch, step: int, error: BaseException) -> list[int]:
    """Raise `error` in the step-th call that touches the disk, in the middle of it where that is a write."""
    left = [step]
    write, replace, flush = durable.write_at, os.replace, durable.flush_to_disk

    def is_last() -> bool:
        left[0] -= 1
        return left[0] == 0

    def write_half(path: Path, start: int, content: bytes) -> None:
        if is_last():
            write(path, start, content[: len(content) // 2])
            raise error
        write(path, start, content)

    def before(call: Any) -> Any:
        def act(*arguments: Any) -> None:
            if is_last():
                raise error
            call(*arguments)

        return act

    for module in ("journal", "shards"):
        monkeypatch.setattr(f"geotool.features.{module}.write_at", write_half)
    for module in ("shards", "tables", "unfinished", "appending", "writer"):
        monkeypatch.setattr(f"geotool.features.{module}.flush_to_disk", before(flush))
    monkeypatch.setattr(artifacts.os, "replace", before(replace))
    return left


def write_with_deaths(write: Callable[[], object], error: BaseException) -> int:
    """Die at the first step, start again, die at the second, and so on; how many deaths it took."""
    for step in range(1, 400):
        with pytest.MonkeyPatch.context() as patch:
            die_at(patch, step, error)
            try:
                write()
                return step
            except (Killed, GeotoolError):
                continue
    raise AssertionError("it never ends")
