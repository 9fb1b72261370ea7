"""A window in a child process and a real browser in front of it; both write down whom they talk to."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

PROJECT = Path(__file__).resolve().parents[2]
CHROMIUM = os.environ.get("GEOTOOL_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
QUIET = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
START_TIMEOUT_S = 120


@dataclass
class Window:
    """A running window: its address, its process, and what it said to the network."""

    address: str
    process: subprocess.Popen[bytes]
    home: Path
    network_log: Path

    def foreign_talk(self) -> str:
        return self.network_log.read_text(encoding="utf-8") if self.network_log.exists() else ""

    def close(self) -> None:
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Tab:
    """A page of the browser and every address it asked for."""

    page: Any
    requests: list[str] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    @property
    def map(self) -> Any:
        return self.page.frame_locator("#gt-map iframe")

    def foreign_requests(self) -> list[str]:
        web = [url for url in self.requests if urlsplit(url).scheme in ("http", "https", "ws", "wss")]
        return [url for url in web if urlsplit(url).hostname not in ("127.0.0.1", "localhost")]

    def drop(self, *files: Path, names: tuple[str, ...] = ()) -> None:
        """Drop files on the page as a person would: through a DataTransfer."""
        content = [
            {"name": name, "bytes": list(path.read_bytes())}
            for path, name in zip(files, names or [path.name for path in files], strict=True)
        ]
        self.page.evaluate(_DROP, content)


_DROP = """(files) => {
  const transfer = new DataTransfer();
  for (const { name, bytes } of files) transfer.items.add(new File([new Uint8Array(bytes)], name));
  const target = document.querySelector(".gt-drop");
  for (const type of ["dragenter", "dragover", "drop"])
    target.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def open_window(script: Path, folder: Path) -> Window:
    """Start the script and wait until it serves the page."""
    port, log = free_port(), folder / "network.log"
    environment = {
        **os.environ,
        "PYTHONPATH": str(Path(__file__).parent / "guard"),
        "NETWORK_LOG": str(log),
        "GEOTOOL_HOME": str(folder / "home"),
    }
    command = [sys.executable, str(script), "--no-browser", "--port", str(port)]
    with (folder / "server.log").open("wb") as output:
        process = subprocess.Popen(command, cwd=PROJECT, env=environment, stdout=output, stderr=output)
    window = Window(f"http://127.0.0.1:{port}/", process, folder / "home", log)
    deadline = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(window.address, timeout=START_TIMEOUT_S).close()
            return window
        except OSError:
            time.sleep(0.1)
    window.close()
    pytest.fail((folder / "server.log").read_text(encoding="utf-8", errors="replace"))


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if CHROMIUM is None:
        pytest.skip("there is no Chromium on this machine")
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def fake_window(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    window = open_window(Path(__file__).parent / "fake_window.py", tmp_path_factory.mktemp("fake"))
    yield window
    window.close()


@pytest.fixture
def real_window(browser: Any, tmp_path: Path) -> Iterator[Window]:
    """app.py itself, with the model that ships."""
    if not (PROJECT / "checkpoints" / "bluemarble" / "model.json").is_file():
        pytest.skip("the Blue Marble model is not in checkpoints/")
    window = open_window(PROJECT / "app.py", tmp_path)
    yield window
    window.close()


@pytest.fixture
def open_tab(browser: Any) -> Iterator[Any]:
    """A function (window, **settings) -> Tab, with the map drawn."""
    contexts = []

    def open_page(window: Window, **settings: Any) -> Tab:
        context = browser.new_context(**{"viewport": {"width": 1280, "height": 900}, **settings})
        context.set_default_timeout(60_000)
        contexts.append(context)
        tab = Tab(context.new_page())
        context.on("request", lambda request: tab.requests.append(request.url))
        tab.page.on("pageerror", lambda error: tab.problems.append(str(error)))
        tab.page.goto(window.address)
        tab.map.locator("[data-basemap=ready]").wait_for()
        return tab

    yield open_page
    for context in contexts:
        context.close()
