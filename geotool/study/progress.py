"""How far a whole study is, while its runs tell how far they are."""

from __future__ import annotations

from typing import Any

from geotool.core.report import Report


class RunReport:
    """A report for one run: its steps are a part of all the seconds that the study is expected to take."""

    def __init__(self, report: Report, done_s: float, own_s: float, total_s: float) -> None:
        self._report, self._done_s, self._own_s, self._total_s = report, done_s, own_s, total_s

    @property
    def stop_requested(self) -> bool:
        return self._report.stop_requested

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        if unit == "steps" and total:  # reading and answering are a small part
            whole_s = self._done_s + self._own_s * done / total
            self._report.progress(round(whole_s), round(self._total_s), unit="s of work")

    def event(self, name: str, **values: Any) -> None:
        self._report.event(name, **values)
