"""How far to trust an answer: numbers fitted by `calibrate`, read from JSON, applied to one photo.

A difficulty (a weighted sum of the features that rises with the expected error) puts the photo in a bin;
the bin has the radii that held 50 % and 80 % of the errors seen there, and the level they justify. Photos
whose candidates lie on no continent together have a bin of their own.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import math
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, get_args

import numpy as np

from geotool.answer.features import FEATURE_NAMES, are_scattered, measure_features
from geotool.core.artifacts import fingerprint, write_json
from geotool.core.errors import MismatchError, NotFoundError
from geotool.core.records import Confidence, Level

KIND, SCHEMA = "calibration", 1
_REMEDY = "Make it anew: python -m geotool calibrate RUN --out FILE."


@dataclass(frozen=True, slots=True, kw_only=True)
class Bin:
    """What was seen at one difficulty. `within_km` is the share of errors within each threshold."""

    up_to: float  # difficulty; infinity for the last bin
    n: int
    radius50_km: float
    radius80_km: float
    within_km: dict[str, float]
    level: Level


@dataclass(frozen=True, kw_only=True)  # no slots: they leave a cached property no room
class Calibration:
    """Fitted numbers of one model. `facts` says from what they come and how well they held."""

    model: str
    model_fingerprint: str | None  # None: fitted on another program's answers of this model
    weights: tuple[float, ...]  # (F,) of FEATURE_NAMES
    intercept: float
    bins: tuple[Bin, ...]
    scattered: Bin | None = None  # None where too few were seen: then they lie in the other bins
    facts: dict[str, Any] = field(default_factory=dict)

    @cached_property
    def fingerprint(self) -> str:
        """Covers every number that decides an answer, and where they come from."""
        return fingerprint(_to_document(self))

    def find_difficulty(self, features: np.ndarray) -> np.ndarray:
        """(..., F) features -> (...,): rises with the logarithm of the expected error, and has no unit."""
        return features @ np.array(self.weights) + self.intercept

    @property
    def every_bin(self) -> tuple[Bin, ...]:
        """By difficulty, and last that of the scattered."""
        return self.bins if self.scattered is None else (*self.bins, self.scattered)

    def find_bins(self, latlon_deg: np.ndarray) -> np.ndarray:
        """(..., K, 2) candidates by rank -> (...,) numbers of bins, into `every_bin`."""
        edges = [each.up_to for each in self.bins[:-1]]
        numbers = np.searchsorted(edges, self.find_difficulty(measure_features(latlon_deg)))
        return (
            numbers
            if self.scattered is None
            else np.where(are_scattered(latlon_deg), len(self.bins), numbers)
        )

    def apply(self, latlon_deg: np.ndarray) -> Confidence:
        """Radii and level for the (K, 2) candidates of one photo by rank."""
        found = self.every_bin[int(self.find_bins(latlon_deg))]
        difficulty = float(self.find_difficulty(measure_features(latlon_deg)))
        return Confidence(
            level=found.level, radius50_km=found.radius50_km, radius80_km=found.radius80_km,
            difficulty=difficulty, calibration=self.fingerprint,
        )  # fmt: skip

    def check_model(self, name: str, model_fingerprint: str) -> None:
        """Raises MismatchError where this was fitted on another model, or on another training of it."""
        fitted = f"{self.model} {self.model_fingerprint or model_fingerprint}"
        used = f"{name} {model_fingerprint}"
        if fitted != used:
            raise MismatchError(f"The calibration was fitted on {fitted}, but {used} is in use.", _REMEDY)

    def write(self, path: Path) -> None:
        """Write JSON that `load_calibration` reads back to an equal Calibration."""
        path.parent.mkdir(parents=True, exist_ok=True)
        write_json(path, {**_to_document(self), "fingerprint": self.fingerprint})


def load_calibration(path: Path) -> Calibration:
    """Read a calibration. Raises NotFoundError, or MismatchError where the file cannot be trusted."""
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise NotFoundError(f"There is no calibration {path}.", _REMEDY) from error
    except ValueError as error:
        raise MismatchError(f"The calibration {path} is no JSON.", _REMEDY) from error
    try:
        calibration = _from_document(document)
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise MismatchError(f"The calibration {path} cannot be read ({error}).", _REMEDY) from error
    if document.get("fingerprint") != calibration.fingerprint:
        found, wanted = document.get("fingerprint"), calibration.fingerprint
        raise MismatchError(f"The calibration {path} was changed: {found} is not {wanted}.", _REMEDY)
    return calibration


def _to_document(calibration: Calibration) -> dict[str, Any]:
    bins = [_to_plain(each) for each in calibration.bins]
    scattered = {"scattered": _to_plain(calibration.scattered)} if calibration.scattered else {}
    return {
        "kind": KIND,
        "schema": SCHEMA,
        "model": {"name": calibration.model, "fingerprint": calibration.model_fingerprint},
        "difficulty": {
            "features": list(FEATURE_NAMES),
            "weights": list(calibration.weights),
            "intercept": calibration.intercept,
        },
        "bins": bins,
        **scattered,
        **calibration.facts,
    }


def _to_plain(each: Bin) -> dict[str, Any]:
    """JSON has no infinity."""
    return {**dataclasses.asdict(each), "up_to": each.up_to if each.up_to < math.inf else None}


def _to_bin(plain: dict[str, Any]) -> Bin:
    return Bin(**{**plain, "up_to": math.inf if plain["up_to"] is None else plain["up_to"]})


def _from_document(document: dict[str, Any]) -> Calibration:
    """Raises ValueError, KeyError or TypeError for a document that `_to_document` did not make."""
    known = {"kind", "schema", "model", "difficulty", "bins", "scattered", "fingerprint"}
    if (document["kind"], document["schema"]) != (KIND, SCHEMA):
        raise ValueError(f"it is a {document['kind']} of schema {document['schema']}")
    difficulty = document["difficulty"]
    if tuple(difficulty["features"]) != FEATURE_NAMES:
        raise ValueError("it uses other features")
    bins = [_to_bin(each) for each in document["bins"]]
    scattered = _to_bin(document["scattered"]) if "scattered" in document else None
    _check_bins(bins, scattered)
    numbers = np.array([*difficulty["weights"], difficulty["intercept"]], dtype=float)
    if len(numbers) != len(FEATURE_NAMES) + 1 or not np.isfinite(numbers).all():
        raise ValueError("its weights are no numbers")
    return Calibration(
        model=document["model"]["name"], model_fingerprint=document["model"]["fingerprint"],
        weights=tuple(difficulty["weights"]), intercept=difficulty["intercept"],
        bins=tuple(bins), scattered=scattered,
        facts={key: value for key, value in document.items() if key not in known},
    )  # fmt: skip


def _check_bins(bins: list[Bin], scattered: Bin | None) -> None:
    """Raises ValueError unless difficulties rise, radii are positive and the levels are known."""
    edges = [each.up_to for each in bins]
    if not bins or any(not low < high for low, high in itertools.pairwise(edges)) or edges[-1] < math.inf:
        raise ValueError("its bins are not in order")
    for each in (*bins, *filter(None, [scattered])):
        if not 0 <= each.radius50_km <= each.radius80_km < math.inf:
            raise ValueError(f"the radii {each.radius50_km} and {each.radius80_km} km cannot be meant")
        if each.level not in get_args(Level):
            raise ValueError(f"there is no level {each.level!r}")
