"""Fit a calibration: split-conformal radii in bins of difficulty (Mondrian conformal prediction).

One part of the photos fits the difficulty and the edges of the bins; the errors of the other part give each
bin's radii. For a photo like those, the radius p holds the truth with probability at least p whatever the
model does (Vovk, Gammerman and Shafer, Algorithmic Learning in a Random World, 2005, sections 4.5 and
4.6; Papadopoulos et al., Inductive Confidence Machines for Regression, 2002), in every bin by itself. Groups
(authors) are never split: photos of one author resemble one another.

Photos whose candidates are scattered over continents are a kind of their own: of 1 480 answers of GeoCLIP
(IM2GPS3K), 66 % of the 121 scattered ones err by more than 2500 km, 34 % of the hardest tenth of the rest.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from geotool.answer.auroc import measure_auroc
from geotool.answer.calibration import Bin, Calibration
from geotool.answer.features import CONTINENT_KM, are_scattered, measure_features
from geotool.core.artifacts import fingerprint
from geotool.core.errors import EmptyResultError
from geotool.core.geo import THRESHOLDS_KM
from geotool.core.records import Level
from geotool.core.sphere import haversine_km

MIN_PHOTOS = 200  # below, the radii would be noise
CHECKS, CHECK_SHARE = 50, 0.5  # random halves of the groups that the coverage is measured on
_DIFFICULTY_SHARE = 0.3  # of the photos: a line through four features needs fewer than the quantiles do
_PHOTOS_PER_BIN, _MIN_PER_BIN, _MAX_BINS = 60, 20, 10
_RIDGE = 30.0  # photos that say nothing: kindred features share their weight instead of fighting
_MAX_GUESSES = 2000
_LEVELS: tuple[Level, ...] = ("street", "city", "region", "country")  # of the first four thresholds
_CLEARLY = 1.645  # standard errors: 95 % one-sided


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """N answers with known errors: what calibration and its check look at."""

    first_deg: np.ndarray  # (N, 5, 2) the first five candidates by rank
    answer_deg: np.ndarray  # (N, 2) the final answer
    error_km: np.ndarray  # (N,) of the final answer, finite
    groups: np.ndarray  # (N,) names; answers of one group stay together

    def __len__(self) -> int:
        return len(self.error_km)

    def pick(self, rows: np.ndarray) -> Scored:
        """Those of a (N,) mask."""
        picked = (self.first_deg[rows], self.answer_deg[rows], self.error_km[rows], self.groups[rows])
        return Scored(**dict(zip(self.__slots__, picked, strict=True)))


def fit_calibration(
    scored: Scored, *, model: str, model_fingerprint: str | None, source: dict[str, Any], seed: int
) -> Calibration:
    """Fit on all of `scored`, and say how fits on random halves of the groups held on the other halves.

    Raises EmptyResultError for fewer than 200 answers or two groups.
    """
    groups = len(np.unique(scored.groups))
    if len(scored) < MIN_PHOTOS or groups < 4:
        raise EmptyResultError(
            f"{len(scored)} answers of {groups} groups are too few to calibrate.",
            f"Evaluate at least {MIN_PHOTOS} photos.",
        )
    fitted = _fit(scored, np.random.default_rng(seed))
    facts = {
        "n": len(scored),
        "groups": groups,
        "seed": seed,
        "fixed_guess_within_2500_km": round(score_fixed_guess(scored.answer_deg), 4),
        "held_out": check_coverage(scored, seed),
        "source": {**source, "fingerprint": fingerprint(source)},
    }
    return replace(fitted, model=model, model_fingerprint=model_fingerprint, facts=facts)


def check_coverage(scored: Scored, seed: int) -> dict[str, Any]:
    """Fit on random halves of the groups, measure on the others: mean and spread over the repetitions.

    Coverage in percent; AUROC of the difficulty for "within 25 km" (None where all or none are).
    """
    rng = np.random.default_rng(seed)
    rows = [_check_once(scored, rng) for _ in range(CHECKS)]
    names = ("coverage50", "coverage80", "auroc_25km", "median_radius50_km")
    figures: dict[str, Any] = {"repetitions": CHECKS, "share": CHECK_SHARE}
    for name, values in zip(names, np.array(rows, dtype=float).T, strict=True):
        known = values[~np.isnan(values)]
        figures[name] = {
            "mean": round(float(known.mean()), 3), "sd": round(float(known.std()), 3)
        } if len(known) else None  # fmt: skip
    return figures


def _check_once(scored: Scored, rng: np.random.Generator) -> tuple[float, ...]:
    held = _pick_groups(scored.groups, CHECK_SHARE, rng)
    fitted = _fit(scored.pick(~held), rng)
    first_deg, error_km = scored.first_deg[held], scored.error_km[held]
    found = fitted.find_bins(first_deg)
    radius50_km = np.array([each.radius50_km for each in fitted.every_bin])[found]
    radius80_km = np.array([each.radius80_km for each in fitted.every_bin])[found]
    difficulty = fitted.find_difficulty(measure_features(first_deg))
    auroc = measure_auroc(-difficulty, error_km <= THRESHOLDS_KM[1])
    covered = (100 * np.mean(error_km <= radius) for radius in (radius50_km, radius80_km))
    return (*covered, math.nan if auroc is None else auroc, float(np.median(radius50_km)))


def _pick_groups(groups: np.ndarray, share: float, rng: np.random.Generator) -> np.ndarray:
    """(N,) mask of whole groups, drawn at random until they hold about `share` of the rows."""
    names, sizes = np.unique(groups, return_counts=True)
    order = rng.permutation(len(names))
    before = np.cumsum(sizes[order]) - sizes[order] / 2
    chosen = names[order][before <= share * len(groups)]
    return np.isin(groups, chosen)


def _fit(scored: Scored, rng: np.random.Generator) -> Calibration:
    """The difficulty from one part, bins with radii from the other; of no model yet."""
    first = _pick_groups(scored.groups, _DIFFICULTY_SHARE, rng)
    features = measure_features(scored.first_deg)  # (N, F)
    weights, intercept = _fit_difficulty(features[first], scored.error_km[first])
    difficulty = features @ weights + intercept  # (N,)
    guess = score_fixed_guess(scored.answer_deg)
    apart = _set_apart(are_scattered(scored.first_deg), first)
    rest, error_km = difficulty[~first & ~apart], scored.error_km[~first & ~apart]
    edges = _find_edges(difficulty[first & ~apart], rest)
    row = np.searchsorted(edges, rest)
    bins = [_fit_bin(error_km[row == i], up_to, guess) for i, up_to in enumerate([*edges, math.inf])]
    return Calibration(
        model="", model_fingerprint=None,
        weights=tuple(weights.tolist()), intercept=intercept, bins=tuple(bins),
        scattered=_fit_bin(scored.error_km[~first & apart], math.inf, guess) if apart.any() else None,
    )  # fmt: skip


def _set_apart(scattered: np.ndarray, first: np.ndarray) -> np.ndarray:
    """(N,) mask of the scattered that get a bin of their own: none, where it or the rest is too small."""
    counts = np.bincount(scattered[~first], minlength=2)
    return scattered if counts.min() >= _MIN_PER_BIN else np.zeros_like(scattered)


def _fit_difficulty(features: np.ndarray, error_km: np.ndarray) -> tuple[np.ndarray, float]:
    """Ridge regression of log10(1 + error) on (N, F) features; errors beyond a continent are all alike."""
    from sklearn.linear_model import Ridge

    middle, spread = features.mean(axis=0), np.maximum(features.std(axis=0), 1e-9)
    target = np.log10(1 + np.minimum(error_km, CONTINENT_KM))
    line = Ridge(alpha=_RIDGE).fit((features - middle) / spread, target)
    weights = line.coef_ / spread
    return weights, float(line.intercept_ - middle @ weights)


def _find_edges(difficulty: np.ndarray, rest: np.ndarray) -> list[float]:
    """Edges that cut `difficulty` in equal parts: as many as leave enough of `rest` in every bin."""
    for bins in range(min(_MAX_BINS, len(rest) // _PHOTOS_PER_BIN), 1, -1):
        edges = np.unique(np.quantile(difficulty, np.arange(1, bins) / bins))
        if np.bincount(np.searchsorted(edges, rest), minlength=len(edges) + 1).min() >= _MIN_PER_BIN:
            return edges.tolist()
    return []


def _fit_bin(error_km: np.ndarray, up_to: float, guess: float) -> Bin:
    radius50_km, radius80_km = (conformal_radius_km(error_km, share) for share in (0.5, 0.8))
    within = {str(km): round(float(np.mean(error_km <= km)), 4) for km in THRESHOLDS_KM}
    return Bin(
        up_to=up_to, n=len(error_km), radius50_km=radius50_km, radius80_km=radius80_km,
        within_km=within, level=find_level(radius50_km, within[str(CONTINENT_KM)], len(error_km), guess),
    )  # fmt: skip


def conformal_radius_km(error_km: np.ndarray, share: float) -> float:
    """The ceil((N + 1) share)-th smallest of N errors: holds the next one with at least that probability."""
    order = math.ceil((len(error_km) + 1) * share)
    return math.inf if order > len(error_km) else round(float(np.sort(error_km)[order - 1]), 3)


def find_level(radius50_km: float, within_2500_km: float, n: int, guess: float) -> Level:
    """The level word of N answers with this 50 % radius and this share within 2500 km.

    Street, city, region, country: at least half are within 1, 25, 200, 750 km. Continent: clearly more (95 %,
    one-sided) are within 2500 km than `guess`, the share that the best fixed guess reaches. Else unknown.
    """
    for level, km in zip(_LEVELS, THRESHOLDS_KM, strict=False):
        if radius50_km <= km:
            return level
    error = math.sqrt(within_2500_km * (1 - within_2500_km) / n)
    return "continent" if within_2500_km - _CLEARLY * error > guess else "unknown"


def score_fixed_guess(answer_deg: np.ndarray) -> float:
    """What naming one and the same point for every photo scores within 2500 km, at its best.

    The (N, 2) answers stand in for the truths, which a run does not hold: they lie where photos are taken.
    """
    some = answer_deg[:: math.ceil(len(answer_deg) / _MAX_GUESSES)]
    near = haversine_km(some[:, None], some[None]) <= CONTINENT_KM  # (N, N)
    return float(near.mean(axis=1).max())
