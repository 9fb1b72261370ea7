"""Small stand-ins for heavy parts: predictions without a model, an engine that answers at once."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

from geotool.core.errors import BadImageError, GeotoolError
from geotool.core.geo import LatLon
from geotool.core.records import (
    Candidate,
    Confidence,
    ItemError,
    ModelStamp,
    PathLevel,
    Photo,
    Prediction,
    SearchTrace,
)
from geotool.core.report import SilentReport

AREZZO = LatLon(lat=43.47, lon=11.88)
NEAR_AREZZO = LatLon(lat=43.5, lon=11.9)
STAMP = ModelStamp(name="fake", fingerprint="0123456789abcdef", device="cpu", precision="fp32")
PATH = (
    PathLevel(name="Europe", mass=0.93, lat=44.0, lon=11.0, width_km=1800.0),
    PathLevel(name="Italy", mass=0.706, lat=43.2, lon=11.9, width_km=700.0),
    PathLevel(name="43.5 N 11.8 E", mass=0.4, lat=43.5, lon=11.9, width_km=140.0),
)
SEARCH = SearchTrace(comparisons=1086, gallery_size=94100, path=PATH)
SPREAD_DEG = ((0.0, 0.0), (0.9, -0.6), (-1.8, 2.4), (4.1, -8.0), (-9.5, 21.0))


def fake_photo(name: str = "photo.jpg", truth: LatLon | None = None, **fields: object) -> Photo:
    photo_id = hashlib.sha256(name.encode()).hexdigest()
    source = "exif" if truth else None
    return Photo(
        path=Path(name),
        photo_id=photo_id,
        size_px=(640, 480),
        format="JPEG",
        truth=truth,
        truth_source=source,
        **fields,
    )


def fake_prediction(
    name: str = "photo.jpg", best: LatLon = AREZZO, truth: LatLon | None = None, top_k: int = 5
) -> Prediction:
    places = [LatLon(lat=best.lat + d_lat, lon=best.lon + d_lon) for d_lat, d_lon in SPREAD_DEG[:top_k]]
    candidates = tuple(
        Candidate(rank=i, location=place, cosine=0.34 - 0.02 * i, gallery_row=i)
        for i, place in enumerate(places, start=1)
    )
    timings = {"read": 0.01, "encode": 0.4, "search": 0.02}
    return Prediction(
        photo=fake_photo(name, truth), candidates=candidates, model=STAMP, timings_s=timings, search=SEARCH
    )


def unknown_prediction(name: str = "street.jpg", truth: LatLon | None = None) -> Prediction:
    confidence = Confidence(level="unknown")
    return Prediction(photo=fake_photo(name, truth), candidates=(), model=STAMP, confidence=confidence)


@dataclass
class FakeInfo:
    """As geotool.model.zoo.ModelInfo, with what the window reads."""

    name: str = "fake"
    title: str = "Fake model"
    purpose: str = "For tests."
    state: str = "ready"
    size_mb: float = 12.0
    download_mb: float = 0.0
    licence: str = "MIT"
    accuracy: tuple = ()
    folder: Path = Path("checkpoints/fake")


class FakeEngine:
    """Answers by file name: "bad..." cannot be read, "street..." is unknown, others lie near Arezzo."""

    def __init__(self, truth: LatLon | None = NEAR_AREZZO) -> None:
        self.truth = truth
        self.info = FakeInfo()
        self.stamp = STAMP
        self.calls: list[dict[str, object]] = []

    def locate(self, path: str | Path, *, truth: LatLon | None = None, top_k: int = 5) -> Prediction:
        self.calls.append({"path": Path(path), "truth": truth})
        name = Path(path).name
        if name.startswith("bad"):
            raise BadImageError(
                "The file is no picture that can be read.", "Use JPEG, PNG, WebP, HEIC or AVIF."
            )
        if name.startswith("street"):
            return self._with_path(unknown_prediction(name), path)
        return self._with_path(fake_prediction(name, truth=truth or self.truth, top_k=top_k), path)

    def locate_many(self, paths: Iterable[str | Path], **options: object) -> list[Prediction | ItemError]:
        results: list[Prediction | ItemError] = []
        for path in paths:
            try:
                results.append(self.locate(path, **options))
            except GeotoolError as error:
                results.append(ItemError(path=str(path), stage="read", message=str(error)))
        return results

    @staticmethod
    def _with_path(prediction: Prediction, path: str | Path) -> Prediction:
        return replace(prediction, photo=replace(prediction.photo, path=Path(path)))


class StopAt(SilentReport):
    """Asks to stop at the given step."""

    def __init__(self, step: int) -> None:
        self.left = step

    @property
    def stop_requested(self) -> bool:  # type: ignore[override]
        self.left -= 1
        return self.left == 0
