"""The one channel from a running command to the world: progress, events, the wish to stop."""

from __future__ import annotations

import signal
import sys
from typing import Any, Protocol

from geotool.core.errors import StoppedError


class Report(Protocol):
    """What a command may say while it runs. The window and the shell listen differently."""

    @property
    def stop_requested(self) -> bool: ...

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        """`done` of `total` units are finished, `failed` of them without a result."""

    def event(self, name: str, **values: Any) -> None:
        """Something worth a line: a stage begins, an epoch ends."""


class SilentReport:
    """Says nothing and never stops; for tests and for calls from Python."""

    stop_requested = False

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None: ...

    def event(self, name: str, **values: Any) -> None: ...


class ConsoleReport:
    """A progress bar with rate and time left on standard error; Ctrl-C asks the command to stop."""

    def __init__(self) -> None:
        self.stop_requested = False
        self._bar: Any = None
        signal.signal(signal.SIGINT, self._ask_to_stop)

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        from tqdm import tqdm

        if self._bar is None or self._bar.total != total or done < self._bar.n:
            self.close()
            scale = unit == "B"
            # The rate counts from here, so that a resumed job does not look faster than it is.
            self._bar = tqdm(total=total, initial=done, unit=unit or "it", unit_scale=scale, file=sys.stderr)
        if failed:
            self._bar.set_postfix(failed=failed, refresh=False)
        self._bar.update(done - self._bar.n)

    def event(self, name: str, **values: Any) -> None:
        from tqdm import tqdm

        tqdm.write(event_line(name, values), file=sys.stderr)

    def __enter__(self) -> ConsoleReport:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _ask_to_stop(self, *_: Any) -> None:
        if self.stop_requested:  # the second Ctrl-C does not wait for the end of the step
            raise KeyboardInterrupt
        self.stop_requested = True


def stop_if_asked(report: Report) -> None:
    """Raise StoppedError between two steps if the user asked for it."""
    if report.stop_requested:
        raise StoppedError("Stopped.", "Start the same command again to go on.")


def event_line(name: str, values: dict[str, Any]) -> str:
    """An event as people read it."""
    details = ", ".join(f"{key} {_short(value)}" for key, value in values.items())
    return f"{name}: {details}" if details else name


def _short(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
