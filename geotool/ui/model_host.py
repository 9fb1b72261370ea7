"""Holds the engine of the window: loads one at a time in the background, so that the page comes first."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from geotool.core.report import Report
from geotool.ui.background import Background, WorkState

if TYPE_CHECKING:
    from geotool.engine import Engine

LoadEngine = Callable[[str | None, Report], "Engine"]
Phase = Literal["idle", "loading", "ready", "failed"]
PHASES: dict[str, Phase] = {"idle": "idle", "running": "loading", "done": "ready", "failed": "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class LoadState:
    """What the header says about the model."""

    phase: Phase
    name: str | None = None
    engine: Engine | None = None
    step: str = ""
    share: float | None = None
    message: str = ""  # why it failed


class ModelHost:
    """One engine, loaded in the background; a new start replaces a load that is still going on."""

    def __init__(self, load_engine: LoadEngine, name: str | None = None) -> None:
        self._load_engine = load_engine
        self._name = name
        self._work: Background[Engine] = Background("geotool-model")

    def start(self, name: str | None = None) -> None:
        """Begin to load a model by name (None: the default one)."""
        self._name = name
        self._work.start(lambda report: self._load_engine(name, report))

    def start_once(self) -> None:
        """Begin to load the first model, unless something was started already."""
        if self._work.state().phase == "idle":
            self.start(self._name)

    def state(self) -> LoadState:
        """What there is now; never waits."""
        return self._to_load_state(self._work.state())

    def wait(self, timeout_s: float) -> LoadState:
        """The state once loading has ended, or after `timeout_s` seconds."""
        return self._to_load_state(self._work.wait(timeout_s))

    def close(self) -> None:
        self._work.close()

    def _to_load_state(self, work: WorkState[Engine]) -> LoadState:
        name = work.result.info.name if work.result is not None else self._name
        return LoadState(
            phase=PHASES[work.phase],
            name=name,
            engine=work.result,
            step=work.step,
            share=work.share,
            message=work.message,
        )
