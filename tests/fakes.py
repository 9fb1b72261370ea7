"""Small stand-ins for heavy parts: predictions without a model, an engine that answers at once."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from geotool.core.errors import BadImageError, GeotoolError, NotFoundError
from geotool.core.geo import LatLon
from geotool.core.records import (
    Candidate,
    Confidence,
    Heat,
    ItemError,
    Level,
    MassBars,
    ModelStamp,
    PathLevel,
    Photo,
    Place,
    Prediction,
    SearchTrace,
)
from geotool.core.report import Report, SilentReport, stop_if_asked

AREZZO = LatLon(lat=43.47, lon=11.88)
NEAR_AREZZO = LatLon(lat=43.5, lon=11.9)
STAMP = ModelStamp(name="fake", fingerprint="0123456789abcdef", device="cpu", precision="fp32")
PATH = (
    PathLevel(name="Europe", mass=0.93, lat=44.0, lon=11.0, width_km=1800.0),
    PathLevel(name="Italy", mass=0.706, lat=43.2, lon=11.9, width_km=700.0),
    PathLevel(name="43.5 N 11.8 E", mass=0.4, lat=43.5, lon=11.9, width_km=140.0),
)
COUNTRIES = (("Italy", 0.706), ("France", 0.2), ("Tunisia", 0.06), ("Spain", 0.02))
BARS = (
    MassBars(level="continent", shares=(("Europe", 0.93), ("Africa", 0.07)), others=0.0),
    MassBars(level="country", shares=COUNTRIES, others=0.014),
)
SEARCH = SearchTrace(comparisons=1086, gallery_size=94100, path=PATH, bars=BARS)
SPREAD_DEG = ((0.0, 0.0), (0.9, -0.6), (-1.8, 2.4), (4.1, -8.0), (-9.5, 21.0))


def fake_photo(name: str = "photo.jpg", truth: LatLon | None = None, **fields: object) -> Photo:
    photo_id = hashlib.sha256(os.fsencode(name)).hexdigest()
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


def placed_prediction(
    name: str = "city.jpg",
    level: Level = "city",
    radii_km: tuple[float, float] = (12.3, 240.0),
    best: LatLon = AREZZO,
    truth: LatLon | None = None,
) -> Prediction:
    """A calibrated answer: places in Italy, France and at sea, the first with three candidates."""
    plain = fake_prediction(name, best, truth)
    first, second, third = plain.candidates[:3], plain.candidates[3:4], plain.candidates[4:]
    names = (("Arezzo", "Tuscany", "IT"), ("Auxerre", "Burgundy", "FR"), (None, None, None))
    places = tuple(
        Place(
            center=members[0].location, radius_km=radius_km, mass=mass, candidates=members,
            name=place, admin1=admin1, country_code=country,
        )
        for members, radius_km, mass, (place, admin1, country) in zip(
            (first, second, third), (8.4, 0.0, 120.0), (0.62, 0.21, 0.1), names, strict=True
        )
    )  # fmt: skip
    confidence = Confidence(
        level=level, radius50_km=radii_km[0], radius80_km=radii_km[1], calibration="fedcba9876543210"
    )
    return replace(plain, places=places, confidence=confidence)


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
    fingerprint: str = "0123456789abcdef"
    spec: dict = field(
        default_factory=lambda: {"image_tower": {"kind": "fake"}, "gallery": {"coordinates": "none.npy"}}
    )


class FakeEngine:
    """Answers by file name: "bad..." cannot be read, "street..." is unknown, others lie near Arezzo.

    "city..." and "edited..." have places and a measured level, "vague..." a measured unknown, "far..." an
    EXIF position in the south of the Atlantic. The heat of "slow..." goes on until it is stopped, that of
    "gone..." cannot be had, that of others is strongest at a latitude of its own for each name.
    """

    def __init__(self, truth: LatLon | None = NEAR_AREZZO) -> None:
        self.truth = truth
        self.info = FakeInfo()
        self.stamp = STAMP
        self.calls: list[dict[str, object]] = []
        self.heats: list[str] = []

    def within(self, restriction: object) -> FakeEngine:
        self.restriction = restriction
        return self

    def locate(self, path: str | Path, *, truth: LatLon | None = None, top_k: int = 5) -> Prediction:
        self.calls.append({"path": Path(path), "truth": truth})
        name = Path(path).name
        if name.startswith("bad"):
            raise BadImageError(
                "The file is no picture that can be read.", "Use JPEG, PNG, WebP, HEIC or AVIF."
            )
        if name.startswith("street"):
            return self._with_path(unknown_prediction(name), path)
        if name.startswith(("city", "edited")):
            return self._with_path(placed_prediction(name, truth=truth or self.truth), path)
        if name.startswith("vague"):
            return self._with_path(placed_prediction(name, "unknown", (4000.0, 9000.0)), path)
        if name.startswith("far"):
            prediction = fake_prediction(name)
            photo = replace(
                prediction.photo, exif_position=LatLon(lat=-30.0, lon=-10.0), camera="Some Camera"
            )
            return self._with_path(replace(prediction, photo=photo), path)
        return self._with_path(fake_prediction(name, truth=truth or self.truth, top_k=top_k), path)

    def find_heat(self, path: str | Path, report: Report | None = None) -> Heat:
        import numpy as np

        report, name = report or SilentReport(), Path(path).name
        self.heats.append(name)
        if name.startswith("gone"):
            raise NotFoundError(f"There is no file {name}.", "Check the path.")
        while name.startswith("slow"):
            stop_if_asked(report)
            report.progress(2, 5, unit="points")
            time.sleep(0.05)
        mass = np.zeros((18, 36))
        mass[4 + len(name) % 9] = 1 / 36
        return Heat(mass=mass, coverage=np.ones((18, 36)))

    def locate_many(self, paths: Iterable[str | Path], **options: object) -> list[Prediction | ItemError]:
        return list(self.locate_each(paths, **options))

    def locate_each(
        self, paths: Iterable[str | Path], report: Report | None = None, **options: object
    ) -> Iterator[Prediction | ItemError]:
        for path in paths:
            stop_if_asked(report or SilentReport())
            try:
                yield self.locate(path, **options)
            except GeotoolError as error:
                yield ItemError(path=str(path), stage="read", message=str(error), exit_code=error.exit_code)

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
