"""The folder of one job: what it was told (config.json), what it said (log.txt, events.jsonl), its end."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from geotool.core.artifacts import unfinished_folder, write_json
from geotool.core.config import read_json

_TAIL_BYTES = 256 * 1024


class RunFolder:
    """Names and contents of the files of one job."""

    START_SIGN = "$ "  # begins the line of the log that says what was started

    def __init__(self, path: Path) -> None:
        self.path = path
        self.config, self.log = path / "config.json", path / "log.txt"
        self.events, self.result = path / "events.jsonl", path / "result.json"

    def write_config(self, config: dict[str, Any]) -> None:
        shutil.rmtree(self.path, ignore_errors=True)  # of a start that failed half-way
        self.path.mkdir(parents=True)
        write_json(self.config, config)

    def read_config(self) -> dict[str, Any]:
        """The settings. Raises NotFoundError where the folder is gone."""
        return read_json(self.config)

    def command_line(self, command: str, home: Path) -> list[str]:
        """What runs: the same typed in a shell gives the same result."""
        return [sys.executable, "-m", "geotool", command, "--config", str(self.config), "--home", str(home)]

    def log_tail(self, lines: int) -> str:
        """The last lines of the log; of a line that was drawn over (a progress bar), the last state."""
        text, _ = self.log_since(max(0, size_bytes(self.log) - _TAIL_BYTES))
        found = text.replace("\r\n", "\n").rstrip("\n").split("\n")
        return "\n".join(line.rstrip("\r").rpartition("\r")[2] for line in found[-lines:])

    def log_since(self, offset: int) -> tuple[str, int]:
        """What was written to the log behind `offset` (bytes), and where it ends now."""
        content = _read_from(self.log, offset)
        return content.decode("utf-8", "replace"), offset + len(content)

    def events_since(self, offset: int) -> tuple[list[dict[str, Any]], int]:
        """The whole lines behind `offset` (bytes), and where to go on. A line torn by a kill is left out."""
        content = _read_from(self.events, offset)
        whole = content[: content.rfind(b"\n") + 1]
        return [event for line in whole.splitlines() if (event := _parse(line))], offset + len(whole)

    def unfinished(self) -> Path | None:
        """What lies half-built beside the artefact that the job was to write."""
        out = self.read_config().get("out") if self.config.is_file() else None
        folder = unfinished_folder(Path(out)) if out else None
        return folder if folder and folder.is_dir() else None


def size_bytes(path: Path) -> int:
    """Of a file, or of all files in a folder; 0 where there is nothing."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _read_from(file: Path, offset: int) -> bytes:
    if not file.is_file():
        return b""
    with open(file, "rb") as stream:
        stream.seek(offset)
        return stream.read()


def _parse(line: bytes) -> dict[str, Any] | None:
    try:
        event = json.loads(line)
    except ValueError:
        return None
    return event if isinstance(event, dict) else None
