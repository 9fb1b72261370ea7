"""What the Locate tab knows: the photos of this page and which of them is shown. Pure values."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

from geotool.answer.restriction import Restriction
from geotool.core.geo import LatLon
from geotool.core.records import ItemError, Prediction, TruthSource

Status = Literal["waiting", "working", "answer", "unknown", "error", "stopped"]
UNDONE = ("waiting", "working", "stopped")


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One dropped photo and what became of it. `key` is the browser's name for it.

    `edited` is a cut or painted copy with its own answer; the original stays beside it.
    """

    key: str
    name: str
    path: Path | None = None
    status: Status = "waiting"
    result: Prediction | ItemError | None = None
    message: str = ""
    preview_url: str | None = None  # where the browser cannot show the file itself
    within: Restriction | None = None  # what the answer was restricted to
    edited: Item | None = None
    shows_edited: bool = False

    @property
    def prediction(self) -> Prediction | None:
        return self.result if isinstance(self.result, Prediction) else None

    @property
    def was_read(self) -> bool:
        """Whatever went wrong, it was not the file."""
        return self.path is not None and not isinstance(self.result, ItemError)

    @property
    def shown(self) -> Item:
        """The one of the two whose answer is on the map and in the table."""
        return self.edited if self.edited is not None and self.shows_edited else self

    def with_result(self, result: Prediction | ItemError) -> Item:
        if isinstance(result, ItemError):
            return replace(self, result=result, status="error", message=result.message)
        return replace(self, result=result, status="unknown" if result.is_unknown else "answer")

    def with_problem(self, message: str) -> Item:
        return replace(self, status="error", message=message)

    def with_truth(self, truth: LatLon | None, source: TruthSource | None) -> Item:
        """The same answers measured against another truth: the model is not asked again."""
        if self.prediction is None:
            return self
        photo = replace(self.prediction.photo, truth=truth, truth_source=source)
        edited = self.edited and self.edited.with_truth(truth, source)
        return replace(self, result=replace(self.prediction, photo=photo), edited=edited)

    def with_edited(self, edited: Item) -> Item:
        """The edited copy beside the original, measured against the same truth."""
        if self.prediction is not None:
            photo = self.prediction.photo
            edited = edited.with_truth(photo.truth, photo.truth_source)
        return replace(self, edited=edited, shows_edited=True)

    def without_edited(self) -> Item:
        return replace(self, edited=None, shows_edited=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnMap:
    """A document for the map's frame and the answer it was made for. `key` names it among all others."""

    html: str = ""
    of: Prediction | None = None
    key: str = ""


@dataclass(slots=True)
class Wishes:
    """What the person asks for while a batch goes on: its loop looks here between two photos."""

    stop: bool = False
    selected: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LocateState:
    """All photos of the tab. `notice` is a sentence about the last drop."""

    items: tuple[Item, ...] = ()
    selected: int = 0
    notice: str = ""
    waiting_for: str = ""  # why the work has not begun: the model is still loading
    waiting_share: float | None = None  # how much of that loading is done, 0..1
    left_s: float | None = None  # of the batch, by the pace so far
    drawn: DrawnMap = DrawnMap()
    within: Restriction | None = None  # where answers may lie
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def batch(self) -> str:
        """Names these photos among all that were dropped on one page; "" where there are none."""
        return self.items[0].key if self.items else ""

    @property
    def current(self) -> Item | None:
        return self.items[self.selected] if self.selected < len(self.items) else None

    @property
    def shown(self) -> Item | None:
        """The current photo, or its edited copy where that one is looked at."""
        return self.current.shown if self.current is not None else None

    @property
    def busy(self) -> bool:
        return any(item.status in ("waiting", "working") for item in self.items)

    def with_item(self, index: int, item: Item) -> LocateState:
        return replace(self, items=(*self.items[:index], item, *self.items[index + 1 :]))

    def with_current(self, item: Item) -> LocateState:
        return self.with_item(self.selected, item)

    def with_selected(self, index: int) -> LocateState:
        return replace(self, selected=index) if 0 <= index < len(self.items) else self

    def with_truth(self, truth: LatLon | None, source: TruthSource | None) -> LocateState:
        current = self.current
        return self if current is None else self.with_current(current.with_truth(truth, source))

    def stopped(self) -> LocateState:
        """The photos that were not reached, marked as such."""
        unreached = ("waiting", "working")
        items = [replace(item, status="stopped") if item.status in unreached else item for item in self.items]
        return replace(self, items=tuple(items), left_s=None)
