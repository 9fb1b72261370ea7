"""The online way, top to bottom: a photo in, a prediction out."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from geotool.core.errors import GeotoolError, MismatchError
from geotool.core.geo import LatLon
from geotool.core.records import (
    Candidate,
    Confidence,
    Heat,
    ItemError,
    ModelStamp,
    Photo,
    Place,
    Prediction,
    QueryVector,
    SearchTrace,
)
from geotool.core.report import Report, SilentReport, stop_if_asked
from geotool.gallery.search_plan import SEARCH, SearchKind
from geotool.photos import read_photo, read_photo_bytes

if TYPE_CHECKING:
    import numpy as np

    from geotool.answer.answerer import Verdict
    from geotool.answer.calibration import Calibration
    from geotool.answer.restriction import Restriction
    from geotool.gallery.exact import Found, Search
    from geotool.gallery.gallery import Gallery
    from geotool.model.geomodel import GeoModel
    from geotool.model.zoo import ModelInfo

TOP_K = 5  # candidates shown where nobody asks for another number

UNKNOWN = Confidence(level="unknown")

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What a search led to; the fields are those of Prediction."""

    candidates: tuple[Candidate, ...] = ()
    places: tuple[Place, ...] = ()
    confidence: Confidence | None = None
    search: SearchTrace | None = None


@dataclass(frozen=True, slots=True)
class Engine:
    """A model and its gallery, in memory and ready. Build one with `Engine.load`.

    With `zoom` the centre of the best place is moved to the best point between the gallery's points.
    """

    model: GeoModel
    gallery: Gallery
    search: Search
    zoom: bool = False
    vote_km: float | None = None  # None: what the model states, or the default
    calibration: Calibration | None = None
    restriction: Restriction | None = None
    unrestricted: Search | None = None  # the search over all points, where `search` sees only some

    @classmethod
    def load(
        cls,
        model: str | None = None,
        device: str = "auto",
        report: Report | None = None,
        *,
        search: SearchKind = SEARCH,
        beam: int | None = None,
        gallery: Path | None = None,
        zoom: bool = False,
    ) -> Engine:
        """Load a model by name (None: the default one) and its gallery, encoding that if needed.

        `search` is coarse to fine or over all points, `beam` the leaves that are read in place of the
        measured number, `gallery` a folder of `build-gallery` in place of the model's own, `zoom` an
        answer between the gallery's points.
        Raises NotFoundError (weights missing), DeviceError, MismatchError.
        """
        from geotool.gallery.gallery import load_gallery, ready_gallery
        from geotool.gallery.search_plan import open_search
        from geotool.model.geomodel import load_model

        loaded, report = load_model(model, device), report or SilentReport()
        if gallery is None:
            points = ready_gallery(loaded, loaded.gallery_latlon_deg(), report)
        else:
            points = load_gallery(gallery, {"model": loaded.fingerprint})
        found = open_search(points, loaded.device, search, beam)
        # A radius was measured with the model's own gallery.
        calibration = load_calibration_of(loaded.info, report) if gallery is None else None
        return cls(loaded, points, found, zoom, calibration=calibration)

    def within(self, restriction: Restriction | None) -> Engine:
        """This engine with candidates from there only; None: from everywhere.

        Raises UsageError where the gallery has no point there.
        """
        from geotool.gallery.restricted import restrict

        everywhere = self.unrestricted or self.search
        if restriction is None:
            return replace(self, search=everywhere, restriction=None, unrestricted=None)
        search = restrict(everywhere, self.gallery, restriction)
        return replace(self, search=search, restriction=restriction, unrestricted=everywhere)

    @property
    def info(self) -> ModelInfo:
        return self.model.info

    @property
    def bandwidth_km(self) -> float:
        """How near candidates support one another."""
        from geotool.answer.vote import VOTE_KM

        return self.vote_km or self.model.vote_km or VOTE_KM

    @property
    def stamp(self) -> ModelStamp:
        """Which model, gallery, device and precision stand behind an answer."""
        model = self.model
        mark = f"{model.fingerprint}-{self.gallery.meta.fingerprint[:8]}"
        return ModelStamp(
            name=model.info.name, fingerprint=mark, device=model.device, precision=model.precision
        )

    def locate(
        self,
        path: str | Path,
        *,
        truth: LatLon | None = None,
        top_k: int = TOP_K,
        data: bytes | None = None,
    ) -> Prediction:
        """Say where one photo was taken.

        `truth` replaces the one in the photo's EXIF; neither is seen by the model. `data` is the photo itself
        where it is no file (in a tar); `path` is then its name.
        Raises NotFoundError or BadImageError.
        """
        timings: dict[str, float] = {}
        with _timed(timings, "read"):
            photo, image = read_photo(Path(path)) if data is None else read_photo_bytes(data, str(path))
        with _timed(timings, "encode"):
            [query] = self.model.encode_images([image])
        with _timed(timings, "search"):
            found = self._search(query, top_k)
        with _timed(timings, "answer"):
            answer = self._answer(query, found, top_k) if found else Answer(confidence=UNKNOWN)
        timings["total"] = sum(timings.values())
        return Prediction(
            photo=with_truth(photo, truth), model=self.stamp, timings_s=timings, **answer._asdict()
        )

    def locate_many(
        self,
        paths: Iterable[str | Path],
        *,
        truth: LatLon | None = None,
        top_k: int = TOP_K,
        report: Report | None = None,
    ) -> list[Prediction | ItemError]:
        """One prediction or error per path, in the order given. Raises StoppedError if asked to stop."""
        return list(self.locate_each(paths, truth=truth, top_k=top_k, report=report))

    def locate_each(
        self,
        paths: Iterable[str | Path],
        *,
        truth: LatLon | None = None,
        top_k: int = TOP_K,
        report: Report | None = None,
    ) -> Iterator[Prediction | ItemError]:
        """`locate_many` one by one, so that a StoppedError costs nothing of what came before it."""
        report, todo = report or SilentReport(), list(paths)
        failed = 0
        for done, path in enumerate(todo):
            stop_if_asked(report)
            if len(todo) > 1:
                report.progress(done, len(todo), failed, unit="photos")
            result = self.locate_or_error(path, truth=truth, top_k=top_k)
            failed += isinstance(result, ItemError)
            yield result
        if len(todo) > 1:
            report.progress(len(todo), len(todo), failed, unit="photos")

    def locate_or_error(
        self,
        path: str | Path,
        *,
        truth: LatLon | None = None,
        top_k: int = TOP_K,
        data: bytes | None = None,
    ) -> Prediction | ItemError:
        """`locate` with the failure as a record, so that one bad photo does not end a batch."""
        try:
            return self.locate(path, truth=truth, top_k=top_k, data=data)
        except GeotoolError as error:
            return ItemError(path=str(path), stage="read", message=str(error), exit_code=error.exit_code)
        except Exception as error:
            log.exception("locate failed for one photo")
            message = f"Unexpected failure ({type(error).__name__}: {error}). Please report it."
            return ItemError(path=str(path), stage="encode", message=message)

    def find_heat(self, path: str | Path, report: Report | None = None) -> Heat:
        """Where on Earth the gallery resembles one photo, by all of its points that the restriction allows.

        The photo is read and encoded again: `locate` keeps no vector for those who do not ask.
        Raises NotFoundError, BadImageError, StoppedError.
        """
        from geotool.answer.heat import find_heat
        from geotool.gallery.restricted import find_allowed

        [query] = self.model.encode_images([read_photo(Path(path))[1]])
        points, scale = self.gallery, self.model.logit_scale
        allowed = find_allowed(points, self.restriction) if self.restriction is not None else None
        return find_heat(points.vectors, points.latlon_deg, query.vector, scale, allowed, report)

    def _search(self, query: QueryVector, top_k: int) -> Found | None:
        """The best gallery points; None where the photo is unlike all that the model was trained on."""
        from geotool.gallery.explain import CANDIDATES

        vector = query.vector[None]
        found = self.search.search(vector, max(top_k, CANDIDATES))  # (1, K)
        everywhere = self.unrestricted.search(vector, 1) if self.unrestricted else found
        return found if self.model.is_familiar(query, float(everywhere.cosines[0, 0])) else None

    def _answer(self, query: QueryVector, found: Found, top_k: int) -> Answer:
        """What the best gallery points have in common, and the way from the continent to the first place."""
        from geotool.answer.answerer import Answerer
        from geotool.gallery.explain import CANDIDATES, to_weights

        candidates = self._to_candidates(found, top_k)
        latlon_deg = self.gallery.latlon_deg[found.rows[0, :CANDIDATES]]  # (K, 2)
        weights = to_weights(found.cosines[0, :CANDIDATES], self.model.logit_scale)  # (K,)
        # What was measured holds for answers that are made in the same way.
        is_changed = self.restriction is not None or self.zoom or self.vote_km is not None
        answerer = Answerer(
            bandwidth_km=self.bandwidth_km,
            calibration=None if is_changed else self.calibration,
            restriction=self.restriction,
        )
        refine = partial(self._zoom_in, query) if self.zoom else None
        verdict = answerer.answer(latlon_deg, weights, candidates, refine)
        trace = self._trace(found, latlon_deg, weights, verdict)
        return Answer(candidates, verdict.places, verdict.confidence, trace)

    def _to_candidates(self, found: Found, top_k: int) -> tuple[Candidate, ...]:
        """The best gallery points as they were found, whatever they vote for."""
        pairs = zip(found.rows[0, :top_k].tolist(), found.cosines[0, :top_k].tolist(), strict=True)
        return tuple(
            Candidate(rank=rank, location=self.gallery.location(row), cosine=cosine, gallery_row=row)
            for rank, (row, cosine) in enumerate(pairs, 1)
        )

    def _zoom_in(self, query: QueryVector, center_deg: np.ndarray) -> np.ndarray:
        """(2,) degrees -> (2,) degrees of the best point that the gallery leaves out around there."""
        from geotool.gallery.zoom import find_spacing_km, zoom

        spacing_km = find_spacing_km(self.gallery.latlon_deg, center_deg[None])
        return zoom(self.model, query.vector, center_deg[None], spacing_km).latlon_deg[0]

    def _trace(
        self, found: Found, latlon_deg: np.ndarray, weights: np.ndarray, verdict: Verdict
    ) -> SearchTrace:
        """The path leads to the centre of the first place, which stands in for its peak."""
        import numpy as np

        from geotool.answer.bars import find_bars
        from geotool.answer.path import find_level_names, find_path

        center, others = verdict.places[0].center, np.arange(len(weights)) != verdict.peak
        points = np.concatenate([[[center.lat, center.lon]], latlon_deg[others]])  # (K, 2)
        shares = np.r_[weights[verdict.peak], weights[others]]  # (K,)
        names = find_level_names(points)
        return SearchTrace(
            comparisons=int(found.comparisons[0]),
            gallery_size=len(self.gallery),
            path=find_path(points, shares, names),
            bars=find_bars(names, shares),
        )


def load_calibration_of(info: ModelInfo, report: Report) -> Calibration | None:
    """The model's calibration; one fitted on another training of it is left out, and that is said."""
    from geotool.answer.calibration import load_calibration
    from geotool.model.zoo import calibration_file

    file = calibration_file(info)
    if file is None:
        return None
    try:
        calibration = load_calibration(file)
        calibration.check_model(info.name, info.fingerprint)
    except MismatchError as error:
        report.event("answers get no radius", because=str(error))
        return None
    return calibration


def with_truth(photo: Photo, truth: LatLon | None) -> Photo:
    """The photo with a typed truth in place of its own, if one is given."""
    return photo if truth is None else replace(photo, truth=truth, truth_source="typed")


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - start
