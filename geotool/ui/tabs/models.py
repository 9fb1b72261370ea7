"""The Models tab: what there is, what it is for, and how to get the one for photographs."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.core.report import Report
from geotool.model.zoo import ModelInfo
from geotool.output.numbers import format_mb
from geotool.ui import present
from geotool.ui.background import Background
from geotool.ui.components import QUIET
from geotool.ui.model_host import ModelHost

USE, STOP = "Use this model", "Stop the download"
STEP_S = 0.5  # how often the progress is drawn

Updates = dict[Any, Any]


@dataclass(frozen=True)
class Card:
    """The components of one model."""

    name: str
    facts: gr.HTML
    use: gr.Button
    get: gr.Button | None = None
    stop: gr.Button | None = None
    path: gr.Textbox | None = None
    load: gr.Button | None = None

    def all(self) -> list[Any]:
        return [part for part in (self.facts, self.use, self.get, self.stop) if part is not None]


class ModelsTab:
    """One card per model. `changes` are the events after which there may be another ready model."""

    def __init__(self, host: ModelHost, list_models: Callable[[], Sequence[ModelInfo]]) -> None:
        self.host, self.list_models = host, list_models
        self.work: Background[ModelInfo] = Background("geotool-download")
        self.progress = gr.HTML(elem_id="gt-progress")
        self.cards = [self._build_card(info) for info in list_models()]
        self.outputs = [self.progress, *(part for card in self.cards for part in card.all())]
        self.changes = [event for card in self.cards for event in self._connect(card)]

    def _build_card(self, info: ModelInfo) -> Card:
        with gr.Column(elem_classes="gt-card"):
            facts = gr.HTML(present.model_card_html(info, in_use=False))
            with gr.Row():
                use = gr.Button(USE, visible=info.state == "ready", size="sm")
                if not info.download_mb:
                    return Card(info.name, facts, use)
                missing = info.state != "ready"
                get = gr.Button(get_label(info), variant="primary", visible=missing, size="sm")
                stop = gr.Button(STOP, visible=False, size="sm")
            with gr.Accordion(
                "Without a network: load it from a folder or file", open=False, visible=missing
            ):
                gr.Markdown(SIDE_LOAD_HELP)
                path = gr.Textbox(label="Folder or file on this machine", placeholder="/media/stick/clip")
                load = gr.Button("Load from there", size="sm")
        return Card(info.name, facts, use, get, stop, path, load)

    def _connect(self, card: Card) -> list[Any]:
        events = []
        if card.get is not None and card.stop is not None:
            download = functools.partial(self.download, card.name)
            events.append(card.get.click(download, None, self.outputs, **QUIET))
            card.stop.click(self.work.stop, None, None, **QUIET)
        if card.load is not None and card.path is not None:
            side_load = functools.partial(self.side_load, card.name)
            events.append(card.load.click(side_load, card.path, self.outputs, **QUIET))
        return events

    # --- getting a model

    def download(self, name: str) -> Iterator[Updates]:
        """Fetch a model from the Hub, with progress; a stopped download goes on the next time."""
        from geotool.model.install import download_model

        yield from self._run(lambda report: download_model(name, report))

    def side_load(self, name: str, path: str) -> Iterator[Updates]:
        """Take a model from a file or folder that the user names; no network is used."""
        if not path.strip():
            yield {self.progress: present.notice_html("Type the path of a folder or file first.")}
            return
        from geotool.model.install import side_load

        yield from self._run(lambda report: side_load(name, Path(path.strip()), report))

    def _run(self, work: Callable[[Report], ModelInfo]) -> Iterator[Updates]:
        if self.work.state().phase == "running":
            yield {
                self.progress: present.notice_html("Another model is being fetched. Stop it or wait for it.")
            }
            return
        self.work.start(work)
        yield from self.follow()

    def follow(self) -> Iterator[Updates]:
        """Draw the work that is going on until it ends; a page that was reloaded comes back to it."""
        state = self.work.state()
        while state.phase == "running":
            yield {**self._show(), self.progress: present.progress_html(state.step, state.share)}
            state = self.work.wait(STEP_S)
        if state.phase == "failed":
            yield {**self._show(), self.progress: present.notice_html(state.message)}
        elif state.result is not None:
            words = f"{state.result.title} is ready."
            yield {**self._show(), self.progress: present.notice_html(words, "good")}

    def refresh(self) -> Updates:
        """The cards as things stand now: called when the tab opens."""
        return self._show()

    def _show(self) -> Updates:
        infos = {info.name: info for info in self.list_models()}
        updates: Updates = {}
        for card in self.cards:
            updates |= self._show_card(card, infos[card.name])
        return updates

    def _show_card(self, card: Card, info: ModelInfo) -> Updates:
        in_use, ready = self.host.state().name == info.name, info.state == "ready"
        running = self.work.state().phase == "running"
        updates: Updates = {
            card.facts: present.model_card_html(info, in_use),
            # The labels go along: a button of a tab that was never opened forgets its own.
            card.use: gr.update(value=USE, visible=ready and not in_use),
        }
        if card.get is not None and card.stop is not None:
            updates[card.get] = gr.update(value=get_label(info), visible=not ready and not running)
            updates[card.stop] = gr.update(value=STOP, visible=running)
        return updates


def get_label(info: ModelInfo) -> str:
    return f"Download {info.title} ({format_mb(info.download_mb or 0)})"


SIDE_LOAD_HELP = """
On a machine with a network, download the checkpoint that `python -m geotool download geoclip` names,
carry it here, and type its path. Nothing is fetched; the file is checked before it is used.
"""
