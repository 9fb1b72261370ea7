"""The working folder of a store: its settings, its journal, the growing files, and a lock for one writer."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geotool.core.artifacts import unfinished_folder, write_json
from geotool.core.durable import flush_to_disk
from geotool.core.errors import UsageError

if TYPE_CHECKING:
    from filelock import BaseFileLock

_LOCK, _SETTINGS, _JOURNAL, _RESULT = "lock", "settings.json", "journal.jsonl", "store"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the work was begun with. Other settings begin anew."""

    inputs: dict[str, Any]
    views: int
    dim: int
    shard_rows: int
    base: str | None = None  # fingerprint of the store that is appended to
    base_lines: int = 0  # lines of the journal that were taken over from it

    def changed(self, wanted: Settings) -> list[str]:
        """What differs, as people call it; how the rows were cut into files does not matter."""
        inputs = {**self.inputs, **wanted.inputs}
        names = [name for name in inputs if self.inputs.get(name) != wanted.inputs.get(name)]
        fields = [name for name in ("views", "dim", "base") if getattr(self, name) != getattr(wanted, name)]
        return list(dict.fromkeys([*names, *fields]))


class Unfinished:
    """The working folder of one store, held by this writer alone."""

    def __init__(self, target: Path) -> None:
        """Take hold of it. Raises UsageError where another writer has it."""
        self.folder = unfinished_folder(target)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._lock = _lock(self.folder / _LOCK, target)

    @property
    def result(self) -> Path:
        """The folder that becomes the store."""
        return self.folder / _RESULT

    @property
    def journal(self) -> Path:
        return self.folder / _JOURNAL

    def read_settings(self) -> Settings | None:
        """None where nothing was begun, or only just, or all is finished."""
        if not self.result.is_dir():
            return None
        try:
            return Settings(**json.loads((self.folder / _SETTINGS).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def clear(self) -> None:
        """Begin with nothing but a folder for the result."""
        (self.folder / _SETTINGS).unlink(missing_ok=True)
        self.journal.unlink(missing_ok=True)
        shutil.rmtree(self.result, ignore_errors=True)
        self.result.mkdir()

    def begin(self, settings: Settings) -> None:
        """From here on, a writer with equal settings goes on with what is there."""
        write_json(self.folder / _SETTINGS, dataclasses.asdict(settings))
        flush_to_disk(self.folder)

    def release(self) -> None:
        """Let another writer have it; remove it if there is nothing to go on with."""
        if not self.result.is_dir():
            self.remove()
        self._lock.release()

    def remove(self) -> None:
        """Remove it with all that is in it, as long as it is held."""
        if not self._lock.is_locked:
            return
        if os.name == "nt":  # which cannot remove an open file
            self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)
        self._lock.release()


def remove_left_over(target: Path) -> None:
    """Remove what a writer left that was killed after its last step. Unfinished work stays."""
    if unfinished_folder(target).exists():
        with contextlib.suppress(UsageError):  # there is a writer
            Unfinished(target).release()


def _lock(path: Path, target: Path) -> BaseFileLock:
    from filelock import FileLock, Timeout

    lock = FileLock(path, blocking=False, thread_local=False)  # another thread may be the one to let go
    try:
        lock.acquire()
    except Timeout as error:
        remedy = "Wait until it has finished, or name another folder with --out."
        raise UsageError(f"Another process is writing {target}.", remedy) from error
    return lock
