"""The Models tab: what there is and what it is for; get, verify, use and delete a model."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.commands.models import delete_model, verify_model
from geotool.core.errors import GeotoolError, UsageError
from geotool.core.report import Report
from geotool.model.zoo import ModelInfo
from geotool.output.numbers import format_mb
from geotool.ui.background import Background
from geotool.ui.components import QUIET
from geotool.ui.job_parts import model_cards
from geotool.ui.model_cards import MAY_LEAVE, SIDE_LOAD_HELP, machine_facts, to_card
from geotool.ui.model_host import ModelHost

AT_ONCE: dict[str, Any] = {**QUIET, "queue": False}
Value = dict[str, Any]


class ModelsTab:
    """One card per model. `changes` are the events after which there may be another ready model.

    What takes longer goes on in the background; the page asks how far it is, also one that was reloaded.
    """

    def __init__(self, host: ModelHost, list_models: Callable[[], Sequence[ModelInfo]]) -> None:
        self.host, self.list_models = host, list_models
        self.work: Background[str] = Background("geotool-models")
        self.cards = model_cards({})
        cards = self.cards
        cards.look(self.value, None, cards, **AT_ONCE)
        cards.get(self.download, None, cards, **AT_ONCE)
        cards.side_load(self.side_load, None, cards, **AT_ONCE)
        cards.verify(self.verify, None, cards, **AT_ONCE)
        removed = cards.remove(self.remove, None, cards, **AT_ONCE)
        cards.stop(self.work.stop, None, None, **AT_ONCE)
        self.use = cards.use
        self.changes = [cards.ended, removed.then]

    def value(self) -> Value:
        """The cards as things stand now."""
        models = self.list_models()
        load = self.host.state()
        return {
            "cards": [to_card(info, models, info.name == load.name) for info in models],
            "work": self._work(),
            "loading": load.phase == "loading",
            "machine": machine_facts(load),
            "leaves": list(MAY_LEAVE),
            "side_help": SIDE_LOAD_HELP,
        }

    def _work(self) -> Value | None:
        state = self.work.state()
        if state.phase == "idle":
            return None
        share = "" if state.share is None else f": {state.share:.0%}"
        running = f"{(state.step or 'Working').capitalize()}{share}"
        words = {"running": running, "done": state.result, "failed": state.message}[state.phase]
        return {"phase": state.phase, "words": words, "share": state.share}

    def download(self, event: gr.EventData) -> Value:
        """Fetch a model from the Hub; a stopped download goes on the next time."""
        return self._start(event, _download)

    def side_load(self, event: gr.EventData) -> Value:
        """Take a model from a file or folder that the user names; no network is used."""
        path = str(event.path).strip()
        if not path:
            return self._say("Type the path of a folder or file first.")
        return self._start(event, lambda info, report: _side_load(info, Path(path), report))

    def verify(self, event: gr.EventData) -> Value:
        """Compare a model's files with what was recorded when they were written."""
        return self._start(event, _verify)

    def _start(self, event: gr.EventData, work: Callable[[ModelInfo, Report], str]) -> Value:
        if self.work.state().phase == "running":
            return self._say("Something else is going on. Stop it or wait for it.")
        info = self._find(event)
        self.work.start(lambda report: work(info, report))
        return self._say("")

    def remove(self, event: gr.EventData) -> Value:
        """Delete what was downloaded or trained; the page has asked before."""
        try:
            info = self._find(event)
            if info.name == self.host.state().name:
                raise UsageError(f"{info.title} is in use.", "Use another model first.")
            freed = format_mb(delete_model(info) / 1e6)
        except GeotoolError as error:
            return self._say(str(error))
        return self._say(f"{info.title} is deleted: {freed} freed.")

    def _find(self, event: gr.EventData) -> ModelInfo:
        return next(info for info in self.list_models() if info.name == event.name)

    def _say(self, notice: str) -> Value:
        return {**self.value(), "notice": notice}


def _download(info: ModelInfo, report: Report) -> str:
    from geotool.model.install import download_model

    return f"{download_model(info.name, report).title} is ready."


def _side_load(info: ModelInfo, path: Path, report: Report) -> str:
    from geotool.model.install import side_load

    return f"{side_load(info.name, path, report).title} is ready."


def _verify(info: ModelInfo, report: Report) -> str:
    report.event(f"verifying {info.title}")
    problems = verify_model(info, report)
    if problems:
        raise UsageError(problems[0], "Delete it, and download or train it again.")
    return f"{info.title} is sound: its files are those that were written."
