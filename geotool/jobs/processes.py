"""Processes of jobs: start one that outlives its starter, know it again, end it with all it started."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

from geotool.core.paths import PROJECT_DIR

FAMILY_VARIABLE = "GEOTOOL_JOB_FOLDER"  # stays with all that a job starts, whatever session they move to
_SCANS, _SCAN_PAUSE_S = 100, 0.02


@dataclass(frozen=True, slots=True)
class ProcessMark:
    """A process that is not mistaken for a later one with the same number.

    `started` counts from boot where the system does (Linux), so that setting the clock changes nothing.
    """

    pid: int
    started: float

    @classmethod
    def of(cls, pid: int) -> ProcessMark | None:
        """The mark of a running process; None where there is none, or one that only waits to be reaped."""
        with contextlib.suppress(psutil.Error):
            process = psutil.Process(pid)
            if process.status() != psutil.STATUS_ZOMBIE:
                return cls(pid, process.create_time() - (psutil.boot_time() if psutil.LINUX else 0))
        return None

    @property
    def is_alive(self) -> bool:
        found = ProcessMark.of(self.pid)
        return found is not None and abs(found.started - self.started) < 1


def start_detached(arguments: Sequence[str], log: Path) -> None:
    """Start Python so that it outlives this process, its window and its terminal."""
    with open(log, "ab") as output:
        process = subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT_DIR,
            env={name: value for name, value in os.environ.items() if name != FAMILY_VARIABLE},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            **own_session("DETACHED_PROCESS"),
        )
    # A window that runs for weeks collects no zombies.
    threading.Thread(target=process.wait, daemon=True).start()


def own_session(windows_flag: str) -> dict[str, Any]:
    """Arguments of Popen that take a child out of reach of the terminal's signals."""
    if os.name != "nt":
        return {"start_new_session": True}
    flags = subprocess.CREATE_NEW_PROCESS_GROUP | getattr(subprocess, windows_flag)  # type: ignore[attr-defined]
    return {"creationflags": flags}


def end_family(folder: Path) -> None:
    """Kill what runs for the job of this folder, and all that it started; the caller itself is spared."""
    for _ in range(_SCANS):
        family = [process for process in psutil.process_iter() if _is_of(process, folder)]
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.kill()
        if not family:
            return
        time.sleep(_SCAN_PAUSE_S)


def _is_of(process: psutil.Process, folder: Path) -> bool:
    with contextlib.suppress(psutil.Error, OSError):
        return process.pid != os.getpid() and process.environ().get(FAMILY_VARIABLE) == str(folder)
    return False
