"""The frame of the window: header with the model and its state, and the tabs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import gradio as gr

from geotool.core.errors import NotFoundError
from geotool.jobs.jobs import Jobs
from geotool.model import zoo
from geotool.ui import present
from geotool.ui.components import QUIET
from geotool.ui.model_host import LoadEngine, ModelHost
from geotool.ui.tabs.help import HelpTab
from geotool.ui.tabs.jobs import JobsTab
from geotool.ui.tabs.locate import LocateTab
from geotool.ui.tabs.models import ModelsTab

STEP_S = 0.3  # how often a page hears how far loading is
SWEEP_EVERY_S, KEEP_FILES_S = 3600, 86400  # of dropped photos, while the window is open

ListModels = Callable[[], Sequence[zoo.ModelInfo]]


class Shell:
    """The whole page. `blocks` is what Gradio serves, `host` holds the model."""

    def __init__(
        self, host: ModelHost, upload_folder: Path, list_models: ListModels = zoo.list_models
    ) -> None:
        self.host, self.list_models = host, list_models
        with gr.Blocks(
            title="geotool",
            analytics_enabled=False,
            fill_width=True,
            delete_cache=(SWEEP_EVERY_S, KEEP_FILES_S),
        ) as self.blocks:
            self._build_header()
            with gr.Tabs() as self.tabs:
                with gr.Tab("Locate", id="locate"):
                    self.locate = LocateTab(host, upload_folder, list_models)
                with gr.Tab("Jobs", id="jobs"):
                    self.jobs = JobsTab(Jobs(), list_models)
                with gr.Tab("Models", id="models"):
                    self.models = ModelsTab(host, list_models)
                with gr.Tab("Help", id="help"):
                    HelpTab()
            self._connect()

    def _build_header(self) -> None:
        with gr.Row(elem_id="gt-header"):
            gr.HTML("<h1>geotool</h1>", elem_id="gt-brand")
            ready = self._ready()
            self.chosen = gr.Dropdown(
                ready,
                value=self._first(ready),
                label="Model",
                show_label=False,
                container=False,
                elem_id="gt-model",
            )
            self.status = gr.HTML(present.header_html(self.host.state()), elem_id="gt-status")
            gr.HTML("<span>Nothing leaves this machine</span>", elem_id="gt-private")

    def _connect(self) -> None:
        header = [self.status, self.chosen]
        self.blocks.load(self.follow_loading, None, header, **QUIET)
        self.chosen.input(self.switch_model, self.chosen, header, **QUIET)
        for use in (self.models.use, self.jobs.use):
            use(self.use_model, None, header, **QUIET).then(
                self.models.value, None, self.models.cards, **QUIET
            )
        for changed in (*self.models.changes, *self.jobs.changes):
            changed(self.refresh_choices, None, self.chosen, **QUIET)
        self.locate.parts.remedy.click(self.offer_model, None, [self.tabs, *header], **QUIET)

    def use_model(self, event: gr.EventData) -> Iterator[dict[Any, Any]]:
        """Load the model that a button names."""
        yield from self.switch_model(str(event.name))

    def follow_loading(self) -> Iterator[dict[Any, Any]]:
        """Draw the state of the model until it is loaded or has failed."""
        self.host.start_once()
        state = self.host.state()
        while state.phase == "loading":
            yield {self.status: present.header_html(state)}
            state = self.host.wait(STEP_S)
        yield {self.status: present.header_html(state), self.chosen: self._dropdown(state.name)}

    def switch_model(self, name: str) -> Iterator[dict[Any, Any]]:
        """Load another model; the photos stay, and can be located again with it."""
        if name and self.host.state().name != name:
            self.host.start(name)
        yield from self.follow_loading()

    def offer_model(self) -> Iterator[dict[Any, Any]]:
        """For a picture the model does not know: use the model for photographs, or show how to get it."""
        remedy = present.find_remedy(self.list_models())
        if remedy is None or remedy.state != "ready":
            yield {self.tabs: gr.Tabs(selected="models")}
        else:
            yield from self.switch_model(remedy.name)

    def refresh_choices(self) -> Any:
        """The ready models, after one was fetched."""
        return gr.update(choices=self._ready())

    def _ready(self) -> list[tuple[str, str]]:
        return [(info.title, info.name) for info in self.list_models() if info.state == "ready"]

    def _first(self, ready: list[tuple[str, str]]) -> str | None:
        """The name that stands in the header before the model is there: the asked one, else the default."""
        names = [name for _, name in ready]
        wanted = (self.host.state().name, zoo.PREFERRED, zoo.FALLBACK, *names)
        return next((name for name in wanted if name in names), None)

    def _dropdown(self, name: str | None) -> Any:
        ready = self._ready()
        known = name in [value for _, value in ready]
        return gr.update(choices=ready, value=name if known else None)


def build_app(
    load_engine: LoadEngine | None = None,
    upload_folder: Path | None = None,
    model: str | None = None,
    list_models: ListModels = zoo.list_models,
) -> Shell:
    """The page around an engine factory (None: the real one). Nothing is loaded yet."""
    from geotool.ui.uploads import uploads_dir

    if model is not None and model not in [info.name for info in list_models()]:
        raise NotFoundError(f"There is no model {model!r}.", "See: python -m geotool models.")
    host = ModelHost(load_engine or load_real_engine, model)
    return Shell(host, upload_folder or uploads_dir(), list_models)


def load_real_engine(name: str | None, report: Any) -> Any:
    """Engine.load; its imports (torch) take seconds, so they happen here, in the background."""
    from geotool.engine import Engine

    return Engine.load(name, report=report)
