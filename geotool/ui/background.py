"""One piece of work in a thread, with its last report and its outcome. The page asks; it never waits."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from geotool.core.errors import GeotoolError
from geotool.core.report import Report

T = TypeVar("T")
Phase = Literal["idle", "running", "done", "failed"]

log = logging.getLogger(__name__)


class StepReport:
    """Keeps the last thing that was reported, for a page that asks now and then."""

    def __init__(self) -> None:
        self.stop_requested = False
        self.step = ""
        self.done = 0
        self.total: int | None = None

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        self.done, self.total = done, total

    def event(self, name: str, **values: Any) -> None:
        self.step, self.done, self.total = name, 0, None

    @property
    def share(self) -> float | None:
        """Between 0 and 1; None where the whole is not known."""
        return min(1.0, self.done / self.total) if self.total else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkState(Generic[T]):
    """How far the work is; `message` is the sentence of a failure."""

    phase: Phase
    result: T | None = None
    step: str = ""
    share: float | None = None
    message: str = ""


class Background(Generic[T]):
    """Runs one piece of work at a time. A new start asks the one before to stop and forgets it."""

    def __init__(self, name: str) -> None:
        self._pool = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = threading.Lock()
        self._future: Future[T] | None = None
        self._report = StepReport()

    def start(self, work: Callable[[Report], T]) -> None:
        with self._lock:
            self._report.stop_requested = True
            self._report = StepReport()
            self._future = self._pool.submit(work, self._report)

    def state(self) -> WorkState[T]:
        """What there is now; never waits."""
        with self._lock:
            future, report = self._future, self._report
        if future is None:
            return WorkState(phase="idle")
        if not future.done():
            return WorkState(phase="running", step=report.step, share=report.share)
        if future.cancelled() or future.exception() is not None:
            return WorkState(phase="failed", message=_sentence(future))
        return WorkState(phase="done", result=future.result())

    def wait(self, timeout_s: float) -> WorkState[T]:
        """The state once the work has ended, or after `timeout_s` seconds."""
        with self._lock:
            future = self._future
        ended = threading.Event()
        if future is not None:
            future.add_done_callback(lambda _: ended.set())
            ended.wait(timeout_s)
        return self.state()

    def stop(self) -> None:
        """Ask the work to stop between two steps."""
        self._report.stop_requested = True

    def close(self) -> None:
        """Stop, wait for nobody, take no more work."""
        self.stop()
        self._pool.shutdown(wait=False, cancel_futures=True)


def _sentence(future: Future[Any]) -> str:
    error = None if future.cancelled() else future.exception()
    if error is None or isinstance(error, GeotoolError):
        return str(error or "Stopped.")
    log.error("Work in the background failed", exc_info=error)
    return f"It failed unexpectedly ({type(error).__name__}). The terminal has the details."
