"""Merge candidates into places, so that one street fills one row. Shapes: K candidates, M of one place."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from geotool.answer.vote import VOTE_KM, count_support, find_distances_km, find_middle
from geotool.core.geo import LatLon
from geotool.core.records import Candidate, Place
from geotool.core.sphere import haversine_km

REACH = 2.0  # bandwidths around its peak from which a place takes its members
RADIUS_SHARE = 0.8  # of a place's weight lies within its radius
MAX_PLACES = 10  # more are no help, and finding a hundred takes time


@dataclass(frozen=True, slots=True, kw_only=True)
class FoundPlace:
    """Candidates that lie together.

    `radius_km` is that of the smallest circle around the centre with at least RADIUS_SHARE of the
    place's weight in it: how far the candidates spread, no bound on the error. `mass` is the place's
    share of the weight of all candidates. `members` (M,) are indexes of candidates, the peak of the
    vote first, then in their own order.
    """

    center_deg: np.ndarray  # (2,)
    radius_km: float
    mass: float
    members: np.ndarray


def find_places(
    latlon_deg: np.ndarray,
    weights: np.ndarray,
    bandwidth_km: float = VOTE_KM,
    max_places: int = MAX_PLACES,
) -> list[FoundPlace]:
    """The first places of (K, 2) candidates with (K,) weights, in the order of a spatial vote.

    Again and again the candidate with the most weight around it (`vote.count_support`), of those that
    are left, is a peak, and all of them within REACH bandwidths are its place. The centre is
    `vote.find_middle`. Where it falls less than a bandwidth from an earlier centre, the members join
    that place: centres are never nearer to each other than one bandwidth. Candidates without weight
    that lie in no place are left out. Masses sum to 1, or less where there are more than `max_places`.
    Raises ValueError where nothing has weight, a weight is negative or not finite, or the bandwidth is
    not above 0.
    """
    weights = np.asarray(weights, dtype=np.float64)
    if not (weights.sum() > 0 and np.isfinite(weights).all() and weights.min() >= 0 and bandwidth_km > 0):
        raise ValueError("Places need weights of at least 0, one of them above, and a bandwidth above 0.")
    distances_km = find_distances_km(latlon_deg)  # (K, K)
    centers: list[np.ndarray] = []
    members: list[np.ndarray] = []
    left = weights.copy()
    free = np.ones(len(weights), dtype=bool)
    while left.any() and len(centers) < max_places:
        support = np.where(left > 0, count_support(distances_km, left, bandwidth_km), -1)
        peak = int(support.argmax())
        group = _gather(distances_km[peak], free, peak, bandwidth_km)
        center = find_middle(latlon_deg[group], weights[group], distances_km[peak, group], bandwidth_km)
        home = _find_home(center, centers, bandwidth_km)
        if home is None:
            centers, members = [*centers, center], [*members, group]
        else:
            members[home] = np.concatenate([members[home], group])
        free[group], left[group] = False, 0
    pairs = zip(centers, members, strict=True)
    return [_to_place(center, group, latlon_deg, weights) for center, group in pairs]


def move_first(
    places: list[FoundPlace],
    center_deg: np.ndarray,
    latlon_deg: np.ndarray,
    weights: np.ndarray,
    bandwidth_km: float = VOTE_KM,
) -> list[FoundPlace]:
    """The places with another centre (2,) of the first; places that it comes too near to become part of it.

    The other arguments are those of `find_places`.
    """
    near = [haversine_km(place.center_deg, center_deg) < bandwidth_km for place in places[1:]]
    joined = [place.members for place, is_near in zip(places[1:], near, strict=True) if is_near]
    apart = [place for place, is_near in zip(places[1:], near, strict=True) if not is_near]
    members = np.concatenate([places[0].members, *joined])
    return [_to_place(center_deg, members, latlon_deg, weights), *apart]


def to_place(found: FoundPlace, candidates: Sequence[Candidate]) -> Place:
    """A place as a record. Of its members it keeps those that are among the first `candidates`, by rank."""
    lat, lon = found.center_deg.tolist()
    kept = [index for index in sorted(found.members.tolist()) if index < len(candidates)]
    return Place(
        center=LatLon(lat=lat, lon=lon), radius_km=found.radius_km, mass=found.mass,
        candidates=tuple(candidates[index] for index in kept),
    )  # fmt: skip


def _gather(from_peak_km: np.ndarray, free: np.ndarray, peak: int, bandwidth_km: float) -> np.ndarray:
    """The free candidates near a peak, the peak first."""
    near = np.flatnonzero(free & (from_peak_km <= REACH * bandwidth_km))
    return np.concatenate([[peak], near[near != peak]])


def _find_home(center: np.ndarray, centers: list[np.ndarray], bandwidth_km: float) -> int | None:
    """The place whose centre is too near for another one."""
    if not centers:
        return None
    away_km = haversine_km(np.stack(centers), center)  # (P,)
    return int(away_km.argmin()) if away_km.min() < bandwidth_km else None


def _to_place(
    center: np.ndarray, members: np.ndarray, latlon_deg: np.ndarray, weights: np.ndarray
) -> FoundPlace:
    members = np.concatenate([members[:1], np.sort(members[1:])])
    mass = float(weights[members].sum() / weights.sum())
    radius_km = _find_radius_km(haversine_km(latlon_deg[members], center), weights[members])
    return FoundPlace(center_deg=center, radius_km=radius_km, mass=min(1.0, mass), members=members)


def _find_radius_km(away_km: np.ndarray, weights: np.ndarray) -> float:
    """How far (M,) members have to be followed outwards until RADIUS_SHARE of their weight is reached."""
    order = away_km.argsort(kind="stable")
    reached = weights[order].cumsum()
    # A sum of rounded shares may miss the share by the last bit.
    return float(away_km[order][np.searchsorted(reached, RADIUS_SHARE * reached[-1] * (1 - 1e-12))])
