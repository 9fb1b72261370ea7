"""What the Locate tab knows: the photos of this page and which of them is shown. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction, TruthSource

Status = Literal["waiting", "working", "answer", "unknown", "error"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One dropped photo and what became of it. `key` is the browser's name for it."""

    key: str
    name: str
    path: Path | None = None
    status: Status = "waiting"
    result: Prediction | ItemError | None = None
    message: str = ""
    preview_url: str | None = None  # where the browser cannot show the file itself

    @property
    def prediction(self) -> Prediction | None:
        return self.result if isinstance(self.result, Prediction) else None

    def with_result(self, result: Prediction | ItemError) -> Item:
        if isinstance(result, ItemError):
            return replace(self, result=result, status="error", message=result.message)
        return replace(self, result=result, status="unknown" if result.is_unknown else "answer")

    def with_problem(self, message: str) -> Item:
        return replace(self, status="error", message=message)

    def with_truth(self, truth: LatLon | None, source: TruthSource | None) -> Item:
        """The same answer measured against another truth: the model is not asked again."""
        if self.prediction is None:
            return self
        photo = replace(self.prediction.photo, truth=truth, truth_source=source)
        return replace(self, result=replace(self.prediction, photo=photo))


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateState:
    """All photos of the tab. `notice` is a sentence about the last drop, `map_html` the map shown."""

    items: tuple[Item, ...] = ()
    selected: int = 0
    notice: str = ""
    waiting_for: str = ""  # why the work has not begun: the model is still loading
    waiting_share: float | None = None  # how much of that loading is done, 0..1
    map_html: str = ""

    @property
    def current(self) -> Item | None:
        return self.items[self.selected] if self.selected < len(self.items) else None

    @property
    def busy(self) -> bool:
        return any(item.status in ("waiting", "working") for item in self.items)

    def with_item(self, index: int, item: Item) -> LocateState:
        return replace(self, items=(*self.items[:index], item, *self.items[index + 1 :]))

    def with_selected(self, index: int) -> LocateState:
        return replace(self, selected=index) if 0 <= index < len(self.items) else self

    def with_truth(self, truth: LatLon | None, source: TruthSource | None) -> LocateState:
        current = self.current
        return self if current is None else self.with_item(self.selected, current.with_truth(truth, source))
