"""The curves of a training: JSON lines for programs, TensorBoard events for people."""

from __future__ import annotations

import json
from pathlib import Path

CURVES_DIR, LINES_FILE = "curves", "metrics.jsonl"


class Curves:
    """Rows of numbers by step, written as they come; what a resumed training repeats is dropped."""

    def __init__(self, folder: Path, step: int) -> None:
        from torch.utils.tensorboard import SummaryWriter

        folder.mkdir(parents=True, exist_ok=True)
        self._file = folder / LINES_FILE
        _keep_until(self._file, step)
        self._events = SummaryWriter(str(folder), purge_step=step + 1)

    def write(self, step: int, **values: float | None) -> None:
        """A row of values at a step; those that are None are left out of the events."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"step": step, **values}) + "\n")
        for name, value in values.items():
            if value is not None:
                self._events.add_scalar(name, value, step)
        self._events.flush()

    def close(self) -> None:
        self._events.close()


def _keep_until(file: Path, step: int) -> None:
    if not file.is_file():
        return
    lines = file.read_text(encoding="utf-8").splitlines(keepends=True)
    whole = [line for line in lines if line.endswith("\n")]
    kept = [line for line in whole if json.loads(line)["step"] <= step]
    part = file.with_suffix(".part")
    part.write_text("".join(kept), encoding="utf-8")
    part.replace(file)
