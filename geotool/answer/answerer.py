"""From candidates to an answer: places with names, and how far to trust the first of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from geotool.answer.calibration import Calibration
from geotool.answer.gazetteer import IN_CITY_KM, find_names
from geotool.answer.places import FoundPlace, find_places, move_first, to_place
from geotool.answer.restriction import Restriction
from geotool.answer.vote import VOTE_KM
from geotool.core.records import Candidate, Confidence, Place

LEAST_MASS = 0.01  # of a place beside the first: what has less is no lead, and would fill map and table

Refine = Callable[[np.ndarray], np.ndarray]  # (2,) degrees -> (2,) degrees of a better point nearby


class Verdict(NamedTuple):
    """Places by the order of their vote, the confidence in the first, and which candidate is its peak."""

    places: tuple[Place, ...]
    confidence: Confidence | None
    peak: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Answerer:
    """How candidates become an answer. Without a calibration there is no confidence."""

    bandwidth_km: float = VOTE_KM
    calibration: Calibration | None = None
    restriction: Restriction | None = None

    def answer(
        self,
        latlon_deg: np.ndarray,
        weights: np.ndarray,
        candidates: Sequence[Candidate],
        refine: Refine | None = None,
    ) -> Verdict:
        """The answer of (K, 2) points by rank with (K,) weights, of which `candidates` are the first.

        `refine` moves the centre of the first place. No centre lies outside the restriction.
        """
        found = find_places(latlon_deg, weights, self.bandwidth_km)
        if refine is not None:
            center_deg = refine(found[0].center_deg)
            found = move_first(found, center_deg, latlon_deg, weights, self.bandwidth_km)
        leads = [found[0], *(place for place in found[1:] if place.mass >= LEAST_MASS)]
        found = [self._keep_inside(place, latlon_deg) for place in leads]
        names = find_names(np.stack([place.center_deg for place in found]))
        places = tuple(
            replace(
                to_place(place, candidates),
                name=name.city if name.city_km is not None and name.city_km <= IN_CITY_KM else None,
                admin1=name.admin1,
                country_code=name.country_code,
            )
            for place, name in zip(found, names, strict=True)
        )
        return Verdict(places, self.judge(latlon_deg), int(found[0].members[0]))

    def judge(self, latlon_deg: np.ndarray) -> Confidence | None:
        """The confidence in what (K, 2) candidates by rank say."""
        return self.calibration.apply(latlon_deg) if self.calibration else None

    def _keep_inside(self, place: FoundPlace, latlon_deg: np.ndarray) -> FoundPlace:
        """A mean of points inside an area may lie outside: then the peak, a point itself, is the centre."""
        if self.restriction is None or self.restriction.allows(place.center_deg[None])[0]:
            return place
        return replace(place, center_deg=latlon_deg[place.members[0]])
