"""How a job ended, judged by its exit code, by what it said, and by what it left behind."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path

from geotool.core.errors import EmptyResultError, StoppedError
from geotool.core.records import RunState, RunStatus
from geotool.jobs.run_folder import RunFolder

_GO_ON = "Resume it: it goes on with what is there."
_SEE_LOG = "Its log says more."
_OUTSIDE_SIGNALS = {"SIGKILL", "SIGTERM", "SIGHUP"}
_LINES_OF_COMPLAINT = 50
_TOLD = "geotool: "  # how the command line begins its last sentence


@dataclass(frozen=True, slots=True)
class Ending:
    """The last state of a job; `error` is one sentence, `hint` the remedy."""

    status: RunStatus
    exit_code: int | None
    error: str = ""
    hint: str = ""


def judge(state: RunState, exit_code: int | None, was_killed: bool) -> Ending:
    """What became of a job whose process is gone. Without an exit code nobody saw it end."""
    if exit_code is None:
        lost = "Its process is gone without a word: it was killed, or the machine went off."
        return Ending("lost", None, lost, _GO_ON)
    if was_killed:
        return Ending("stopped", exit_code, "It did not stop when asked, and was ended.", _GO_ON)
    if exit_code == StoppedError.exit_code:
        return Ending("stopped", exit_code, state.error or "", state.hint or "")
    if exit_code == 0:
        return _judge_result(RunFolder(state.folder))
    if exit_code < 0:
        return _judge_signal(exit_code)
    told = state.error or _last_sentence(RunFolder(state.folder))
    return Ending(
        "failed", exit_code, told or f"It ended with exit code {exit_code}.", state.hint or _SEE_LOG
    )


def _judge_result(folder: RunFolder) -> Ending:
    """A job that was to write something and left nothing has failed."""
    out = folder.read_config().get("out")
    if out and not os.path.lexists(out):
        nothing = f"It ended without a complaint, but there is nothing in {Path(out)}."
        return Ending("failed", EmptyResultError.exit_code, nothing, _SEE_LOG)
    return Ending("done", 0)


def _judge_signal(exit_code: int) -> Ending:
    name = signal.Signals(-exit_code).name
    if name in _OUTSIDE_SIGNALS:
        because = "; the machine may have run out of memory" if name == "SIGKILL" else ""
        return Ending("lost", exit_code, f"It was ended from outside ({name}{because}).", _GO_ON)
    return Ending("failed", exit_code, f"It crashed ({name}).", f"{_SEE_LOG} {_GO_ON}")


def _last_sentence(folder: RunFolder) -> str:
    """The last complaint in the log of this start."""
    for line in reversed(folder.log_tail(_LINES_OF_COMPLAINT).splitlines()):
        if line.startswith(folder.START_SIGN):
            break
        if line.startswith(_TOLD):
            return line.removeprefix(_TOLD)
    return ""
