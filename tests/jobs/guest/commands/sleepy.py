"""Do as little as a test needs: count steps, and end in the way that is asked for."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.core.config import option
from geotool.core.durable import explained_disk_errors
from geotool.core.errors import MismatchError
from geotool.core.report import Report, stop_if_asked

STEP_S = 0.05


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `sleepy`."""

    steps: int = option(0, help="pauses", min=0)
    out: Path | None = option(
        None, help="file to write; its length is that of the steps done, over all starts"
    )
    starts: Path | None = option(None, help="file that gets a line with every start")
    children: bool = option(False, help="start processes that would outlive this one")
    deaf: bool = option(False, help="do not stop when asked to")
    end: Literal["good", "mismatch", "bug", "crash", "nothing"] = option("good", help="how to end")
    fill: Path | None = option(None, help="file to fill the disk with")
    device: Literal["cpu", "cuda"] = option("cpu", help="what to pretend to use")


def run(config: Config, report: Report) -> None:
    """Take the steps that are left, then end."""
    if config.starts:
        with open(config.starts, "a") as file:
            file.write(f"{os.getpid()}\n")
    if config.children:
        for own_session in (False, True):
            sleep = [sys.executable, "-c", "import time; time.sleep(100)"]
            subprocess.Popen(sleep, start_new_session=own_session)
    report.event("awake", steps=config.steps, home=os.environ["GEOTOOL_HOME"])
    _take_steps(config, report)
    _end(config)


def _take_steps(config: Config, report: Report) -> None:
    done = config.out.stat().st_size if config.out and config.out.exists() else 0
    for step in range(done, config.steps):
        time.sleep(STEP_S)
        if not config.deaf:
            stop_if_asked(report)
        if config.out and config.end != "nothing":
            with open(config.out, "ab") as file:
                file.write(b".")
        report.progress(step + 1, config.steps, unit="steps")


def _end(config: Config) -> None:
    if config.fill:
        with explained_disk_errors(config.fill), open(config.fill, "wb") as file:
            while True:
                file.write(bytes(65536))
                file.flush()
    if config.end == "mismatch":
        raise MismatchError("Two things do not fit.", "Make them fit.")
    if config.end == "bug":
        raise ZeroDivisionError("of a test")
    if config.end == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if config.out and config.end == "good":
        config.out.touch()
