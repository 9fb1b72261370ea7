"""Serves the window on 127.0.0.1: the port first, then the page, then the model."""

from __future__ import annotations

import contextlib
import inspect
import os
import socket
import sys
import threading
import webbrowser
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geotool.core.config import option
from geotool.core.errors import UsageError
from geotool.core.paths import HOME_VARIABLE
from geotool.ui.uploads import LOOPBACK, private_folder

if TYPE_CHECKING:
    from fastapi import FastAPI

    from geotool.ui.shell import Shell

DEFAULT_PORT = 7860
LOOPBACK_NAMES = (LOOPBACK, "localhost")
WAITING_CONNECTIONS = 64


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of the window."""

    port: int | None = option(
        None, help=f"port on 127.0.0.1 (default {DEFAULT_PORT}, or a free one)", min=1, max=65535
    )
    host: str = option(LOOPBACK, help="address; this version serves this machine only")
    browser: bool = option(True, help="open the page in the browser")
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    home: Path | None = option(None, help="folder for what geotool writes (default: checkpoints)")


def run(config: Config, **parts: Any) -> None:
    """Serve until Ctrl-C. Raises UsageError (address, port, home), NotFoundError (model).

    `parts` replace what `shell.build_app` uses by default: the engine and the list of models.
    """
    if config.host not in LOOPBACK_NAMES:
        raise UsageError(
            f"The window cannot be served on {config.host}.",
            "It answers on 127.0.0.1 only: leave --host out.",
        )
    if config.home is not None:
        os.environ[HOME_VARIABLE] = str(config.home)
    with listen(config.port) as listener:
        port = listener.getsockname()[1]
        with private_folder(port) as folder:
            prepare_environment(folder)
            address = f"http://{LOOPBACK}:{port}/"
            print(f"geotool: {address}  (Ctrl-C ends it)", flush=True)
            if config.browser:
                threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()
            _serve(listener, folder, {"model": config.model, **parts})


def listen(port: int | None) -> socket.socket:
    """A socket that takes connections from now on: a browser may already wait while gradio is imported."""
    listener = socket.socket()
    if os.name == "posix":  # elsewhere this option would let two programs share a port
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((LOOPBACK, port or DEFAULT_PORT))
    except OSError as error:
        if port is not None:
            listener.close()
            raise UsageError(f"Port {port} is in use.", "Choose another, or leave --port out.") from error
        listener.bind((LOOPBACK, 0))
    listener.listen(WAITING_CONNECTIONS)
    return listener


def prepare_environment(folder: Path) -> None:
    """Settings that gradio and the Hub client read while they are imported: no telemetry, no proxies."""
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    os.environ["GRADIO_TEMP_DIR"] = str(folder)
    os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
    for name in ("NO_PROXY", "no_proxy"):
        kept = [entry for entry in os.environ.get(name, "").split(",") if entry]
        os.environ[name] = ",".join([*kept, *(n for n in LOOPBACK_NAMES if n not in kept)])


def import_gradio() -> None:
    """Import gradio in about half its time.

    For each of its 80 components gradio parses its own source to rewrite a .pyi file beside it, and
    leaves that out where the source file cannot be told. So for the time of the import it cannot.
    """
    tell_file = inspect.getfile

    def hide_components(thing: Any) -> str:
        if inspect.isclass(thing) and thing.__module__.startswith("gradio."):
            raise OSError("hidden while gradio is imported")
        return tell_file(thing)

    inspect.getfile = hide_components  # type: ignore[assignment]
    try:
        import gradio  # noqa: F401
    finally:
        inspect.getfile = tell_file


def _serve(listener: socket.socket, folder: Path, parts: dict[str, Any]) -> None:
    import uvicorn

    import_gradio()
    from geotool.ui.shell import build_app

    shell = build_app(upload_folder=folder, **parts)
    settings = uvicorn.Config(build_server(shell, folder), log_level="warning", timeout_graceful_shutdown=2)
    try:
        uvicorn.Server(settings).run(sockets=[listener])
    finally:
        shell.host.close()
        shell.models.work.close()
        shell.jobs.close()
        print("geotool: closed.", file=sys.stderr)


def build_server(shell: Shell, folder: Path) -> FastAPI:
    """The page, the public files and the guard in front of both. The model is loaded once it serves."""
    import gradio as gr
    from fastapi import FastAPI

    from geotool.output import bands
    from geotool.ui.components import STATIC_DIR
    from geotool.ui.security import Guard
    from geotool.ui.theme import build_theme

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=_load_model_when_up(shell))
    for url, public_dir in public_dirs().items():
        _mount(app, url, public_dir)
    names = ("window.css", "evidence.css", "jobs.css")
    sheets = [(STATIC_DIR / name).read_text(encoding="utf-8") for name in names]
    css = "\n".join((bands.to_css(), *sheets))
    gr.mount_gradio_app(
        app,
        shell.blocks,
        path="/",
        server_name=LOOPBACK,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        ssr_mode=False,
        mcp_server=False,
        pwa=False,
        show_error=False,
        max_file_size=_max_upload(),
        app_kwargs={"docs_url": None, "redoc_url": None, "openapi_url": None},
        theme=build_theme(),
        css=css,
    )
    app.add_middleware(Guard, upload_folder=folder)
    return app


def public_dirs() -> dict[str, Path]:
    """What /vendor serves: nothing of the user's."""
    from geotool.output.map_layers import BASEMAP_URL, LEAFLET_URL, STATIC_DIR, STATIC_URL, leaflet_dir
    from geotool.output.maps import BASEMAP_DIR
    from geotool.ui.tabs.locate import EXAMPLES_DIR, EXAMPLES_URL

    return {
        LEAFLET_URL: leaflet_dir(),
        STATIC_URL: STATIC_DIR,
        BASEMAP_URL: BASEMAP_DIR,
        EXAMPLES_URL: EXAMPLES_DIR,
    }


def _mount(app: FastAPI, url: str, public_dir: Path) -> None:
    from starlette.staticfiles import StaticFiles

    if public_dir.is_dir():
        app.mount(url, StaticFiles(directory=public_dir))


def _max_upload() -> int:
    from geotool.photos.formats import MAX_FILE_MB

    return MAX_FILE_MB * 1_000_000


def _load_model_when_up(shell: Shell) -> Any:
    @contextlib.asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        shell.host.start_once()
        yield

    return lifespan
