"""What travels between the parts: frozen records, each with one meaning."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geotool.core.geo import LatLon, geodesic_km

if TYPE_CHECKING:
    import numpy as np

TruthSource = Literal["exif", "typed", "clicked", "manifest"]
Level = Literal["street", "city", "region", "country", "continent", "unknown"]
Device = Literal["cpu", "gpu"]
RunStatus = Literal["queued", "running", "stopping", "stopped", "done", "failed", "lost"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """One picture on disk. `truth` is for the error only: it never reaches the model."""

    path: Path
    photo_id: str  # sha256 of the file
    size_px: tuple[int, int]  # width, height after orientation
    format: str = ""
    taken_at: str | None = None  # as the camera wrote it, "YYYY-MM-DD HH:MM:SS"
    camera: str | None = None
    truth: LatLon | None = None
    truth_source: TruthSource | None = None
    exif_position: LatLon | None = None  # as the file has it, whatever the truth is
    altitude_m: float | None = None  # above sea level, as the file has it
    orientation: int = 1  # EXIF: 1 upright, 2..8 mirrored or turned
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryVector:
    """The embedding of one photo: (D,) float32 of L2 norm 1, and who made it.

    `familiarity` tells how much the photo resembles what the model was trained on (higher is
    more); None for models that do not measure it.
    """

    vector: np.ndarray
    encoder: str
    familiarity: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """One gallery point that matches the photo. `cosine` is raw: no probability."""

    rank: int  # from 1
    location: LatLon
    cosine: float
    gallery_row: int
    source: str = "gallery"


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Candidates merged on the sphere. The masses of one prediction sum to at most 1."""

    center: LatLon
    radius_km: float
    mass: float
    candidates: tuple[Candidate, ...]
    name: str | None = None
    admin1: str | None = None
    country_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Confidence:
    """How far to trust an answer. Radii are absent where the model was not calibrated."""

    level: Level
    radius50_km: float | None = None
    radius80_km: float | None = None
    difficulty: float | None = None  # orders answers, the surest first, where their radii are equal
    calibration: str | None = None  # fingerprint


@dataclass(frozen=True, slots=True, kw_only=True)
class PathLevel:
    """One step from coarse to fine. `mass` is the share of the candidates' weight in it: no probability.

    `lat`, `lon` is the weighted middle of those candidates, and `width_km` the width of the circle
    around it that holds them all, or of the finest cell if that is wider.
    """

    name: str
    mass: float
    lat: float
    lon: float
    width_km: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MassBars:
    """How the candidates' weight is shared out on one level: the largest names, then all others.

    `level` is "continent", "country" or "region"; the shares and `others` sum to 1.
    """

    level: str
    shares: tuple[tuple[str, float], ...]
    others: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchTrace:
    """What the search of one photo compared, the way from the continent to the best place, and what else
    the candidates say on every level of it."""

    comparisons: int
    gallery_size: int
    path: tuple[PathLevel, ...] = ()
    bars: tuple[MassBars, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heat:
    """Where on Earth the gallery resembles a photo: a picture to look at, no probability.

    `mass` (H, W) float64 is the share of each cell of a latitude-longitude grid, rows from north to
    south, columns from the antimeridian eastwards; it sums to 1, and is 0 far from any gallery point.
    `coverage` (H, W) says how well the gallery covers a cell: from 1 among its points down to 0.
    """

    mass: np.ndarray
    coverage: np.ndarray


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelStamp:
    """Which model and gallery gave an answer."""

    name: str
    fingerprint: str
    device: str
    precision: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """The answer for one photo. Level "unknown" means that it cannot be told where the photo was taken.

    There are no candidates then if the photo is of a kind that the model does not know; if there are,
    they were measured to say nothing.
    """

    photo: Photo
    candidates: tuple[Candidate, ...]
    model: ModelStamp
    timings_s: dict[str, float] = field(default_factory=dict)
    places: tuple[Place, ...] = ()
    confidence: Confidence | None = None
    search: SearchTrace | None = None

    @property
    def is_unknown(self) -> bool:
        return self.confidence is not None and self.confidence.level == "unknown"

    @property
    def best(self) -> LatLon | None:
        """The final answer: the first place, else the first candidate, else none."""
        if self.places:
            return self.places[0].center
        return self.candidates[0].location if self.candidates else None

    @property
    def error_km(self) -> float | None:
        """Geodesic distance from the answer to the truth; None without an answer or a truth."""
        if self.photo.truth is None or self.best is None:
            return None
        return geodesic_km(self.best, self.photo.truth)


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemError:
    """Why one input has no prediction. A failure is this record, never a coordinate."""

    path: str
    stage: Literal["read", "encode", "search", "answer"]
    message: str
    exit_code: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class RunProgress:
    """How far a job is: `done` of `total` units, `failed` of them without a result."""

    done: int
    total: int | None
    failed: int = 0
    unit: str = ""
    rate_per_s: float | None = None
    left_s: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """One job as the disk knows it. Times are seconds since 1970; `error` is one sentence, `hint` the remedy.

    "lost" means that the job's process vanished without a word: killed, or the machine went off.
    """

    run_id: int
    command: str
    title: str  # what it is to make
    status: RunStatus
    device: Device
    folder: Path
    after: int | None  # starts when that job is done
    created_at: float
    started_at: float | None = None
    ended_at: float | None = None
    pid: int | None = None
    process_started: float | None = None
    progress: RunProgress | None = None
    exit_code: int | None = None
    error: str | None = None
    hint: str | None = None

    @property
    def is_over(self) -> bool:
        return self.status in ("stopped", "done", "failed", "lost")


@dataclass(frozen=True, slots=True, kw_only=True)
class ArtifactMeta:
    """What a stored artefact is and from what it was made."""

    kind: str
    schema: int
    fingerprint: str
    inputs: dict[str, Any]
    config: dict[str, Any]
    created: str  # UTC, ISO 8601
    version: str  # of geotool
