"""Which search a gallery gets: the measured beams of its tree, wider or narrower ones, or all points."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geotool.core.artifacts import write_json
from geotool.core.errors import MismatchError

if TYPE_CHECKING:
    from geotool.gallery.exact import Search
    from geotool.gallery.gallery import Gallery

PLAN_FILE = "search.json"
SearchKind = Literal["hierarchy", "exact"]
SEARCH: SearchKind = "hierarchy"  # where nobody asks for another


@dataclass(frozen=True, slots=True, kw_only=True)
class BeamPoint:
    """What one choice of beams gives: mean comparisons per query, and the agreement with exact search."""

    beams: tuple[int, ...]
    comparisons: float
    agreement: float  # share of the queries with the same best point, of the worst kind of query
    agreement_at_10: float  # share of the ten best points that are found


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchPlan:
    """The chosen point of the measured curve, and the curve."""

    chosen: BeamPoint
    curve: tuple[BeamPoint, ...]


def open_search(gallery: Gallery, device: str, kind: SearchKind = SEARCH, beam: int | None = None) -> Search:
    """The search of a gallery. `beam` replaces the measured width: leaves that are opened."""
    if kind == "exact":
        from geotool.gallery.exact import ExactSearch

        return ExactSearch(gallery.vectors, device)
    from geotool.gallery.beam import BeamSearch

    beams = gallery.plan.chosen.beams
    if beam is not None:
        beams = scale(beams, gallery.tree.cells, beam)
    return BeamSearch(gallery.vectors, gallery.tree, beams, device)


def scale(beams: Sequence[int], cells: Sequence[int], leaves: int) -> tuple[int, ...]:
    """Beams in the same proportion that open so many leaves; all cells where that is all leaves."""
    if leaves >= cells[-1]:
        return tuple(cells)
    wanted = [max(1, round(beam * leaves / beams[-1])) for beam in beams[:-1]]
    return tuple(min(beam, count) for beam, count in zip((*wanted, leaves), cells, strict=True))


def write_plan(folder: Path, plan: SearchPlan) -> None:
    write_json(folder / PLAN_FILE, asdict(plan))


def load_plan(folder: Path, hint: str) -> SearchPlan:
    """Raises MismatchError where the file is damaged."""
    try:
        stored = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
        return SearchPlan(
            chosen=_to_point(stored["chosen"]), curve=tuple(_to_point(point) for point in stored["curve"])
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MismatchError(f"The search plan in {folder} is damaged: {error}.", hint) from error


def _to_point(stored: dict[str, Any]) -> BeamPoint:
    return BeamPoint(**{**stored, "beams": tuple(stored["beams"])})
