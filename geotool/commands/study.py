"""Compare ways to train on features, several seeds each, on tiles of the world image; stopped, it goes on."""

from __future__ import annotations

import json

from geotool.core.report import Report
from geotool.study.config import StudyConfig as Config


def run(config: Config, report: Report) -> None:
    """Run what is not finished yet, print the tables; they lie in the folder as well."""
    from geotool.study.study import run_study

    document, tables = run_study(config, report)
    print(json.dumps(document) if config.format == "json" else tables)
