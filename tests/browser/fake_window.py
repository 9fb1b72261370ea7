"""The real window and server around the fake engine: started by the browser tests as a child process."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from geotool.ui import server
from tests.fakes import FakeEngine, FakeInfo

MODELS = [
    FakeInfo(
        name="geoclip", title="GeoCLIP", purpose="Photographs.", state="not downloaded", download_mb=1710
    ),
    FakeInfo(),
]


def load(name: str | None, report: Any) -> FakeEngine:
    return FakeEngine(truth=None)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int)
    parser.add_argument("--home", type=Path)
    parser.add_argument("--no-browser", action="store_true")
    options = parser.parse_args()
    config = server.Config(port=options.port, home=options.home, browser=False)
    server.run(config, load_engine=load, list_models=lambda: MODELS)


if __name__ == "__main__":
    main()
