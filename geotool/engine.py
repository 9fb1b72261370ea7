"""The online way, top to bottom: a photo in, a prediction out."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from geotool.core.errors import GeotoolError
from geotool.core.geo import LatLon
from geotool.core.records import (
    Candidate,
    Confidence,
    ItemError,
    ModelStamp,
    Photo,
    Prediction,
    QueryVector,
    SearchTrace,
)
from geotool.core.report import Report, SilentReport, stop_if_asked
from geotool.gallery.search_plan import SEARCH, SearchKind
from geotool.photos import read_photo

if TYPE_CHECKING:
    from geotool.gallery.exact import Found, Search
    from geotool.gallery.gallery import Gallery
    from geotool.model.geomodel import GeoModel
    from geotool.model.zoo import ModelInfo

TOP_K = 5  # candidates shown where nobody asks for another number

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model and its gallery, in memory and ready. Build one with `Engine.load`.

    With `zoom` the best candidate is moved to the best place between the gallery's points.
    """

    model: GeoModel
    gallery: Gallery
    search: Search
    zoom: bool = False

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

        `search` is coarse to fine or over all points, `beam` the cells opened at the first level in
        place of the measured number, `gallery` a folder of `build-gallery` in place of the model's own,
        `zoom` an answer between the gallery's points.
        Raises NotFoundError (weights missing), DeviceError, MismatchError.
        """
        from geotool.gallery.gallery import load_gallery, ready_gallery
        from geotool.gallery.search_plan import open_search
        from geotool.model.geomodel import load_model

        loaded = load_model(model, device)
        if gallery is None:
            points = ready_gallery(loaded, loaded.gallery_latlon_deg(), report or SilentReport())
        else:
            points = load_gallery(gallery, {"model": loaded.fingerprint})
        return cls(loaded, points, open_search(points, loaded.device, search, beam), zoom)

    @property
    def info(self) -> ModelInfo:
        return self.model.info

    @property
    def stamp(self) -> ModelStamp:
        """Which model, gallery, device and precision stand behind an answer."""
        model = self.model
        mark = f"{model.fingerprint}-{self.gallery.meta.fingerprint[:8]}"
        return ModelStamp(
            name=model.info.name, fingerprint=mark, device=model.device, precision=model.precision
        )

    def locate(self, path: str | Path, *, truth: LatLon | None = None, top_k: int = TOP_K) -> Prediction:
        """Say where one photo was taken.

        `truth` replaces the one in the photo's EXIF; neither is seen by the model.
        Raises NotFoundError or BadImageError.
        """
        timings: dict[str, float] = {}
        with _timed(timings, "read"):
            photo, image = read_photo(Path(path))
        with _timed(timings, "encode"):
            [query] = self.model.encode_images([image])
        with _timed(timings, "search"):
            candidates, trace = self._find_candidates(query, top_k)
        timings["total"] = sum(timings.values())
        return Prediction(
            photo=with_truth(photo, truth), candidates=candidates, model=self.stamp, timings_s=timings,
            confidence=None if candidates else Confidence(level="unknown"), search=trace,
        )  # fmt: skip

    def locate_many(
        self,
        paths: Iterable[str | Path],
        *,
        truth: LatLon | None = None,
        top_k: int = TOP_K,
        report: Report | None = None,
    ) -> list[Prediction | ItemError]:
        """One prediction or error per path, in the order given. Raises StoppedError if asked to stop."""
        report, todo = report or SilentReport(), list(paths)
        results: list[Prediction | ItemError] = []
        failed = 0
        for path in todo:
            stop_if_asked(report)
            results.append(self.locate_or_error(path, truth=truth, top_k=top_k))
            failed += isinstance(results[-1], ItemError)
            if len(todo) > 1:
                report.progress(len(results), len(todo), failed, unit="photos")
        return results

    def locate_or_error(
        self, path: str | Path, *, truth: LatLon | None = None, top_k: int = TOP_K
    ) -> Prediction | ItemError:
        """`locate` with the failure as a record, so that one bad photo does not end a batch."""
        try:
            return self.locate(path, truth=truth, top_k=top_k)
        except GeotoolError as error:
            return ItemError(path=str(path), stage="read", message=str(error), exit_code=error.exit_code)
        except Exception as error:
            log.exception("locate failed for one photo")
            message = f"Unexpected failure ({type(error).__name__}: {error}). Please report it."
            return ItemError(path=str(path), stage="encode", message=message)

    def _find_candidates(
        self, query: QueryVector, top_k: int
    ) -> tuple[tuple[Candidate, ...], SearchTrace | None]:
        """The best gallery points; none where the photo is unlike all that the model was trained on."""
        from geotool.gallery.explain import CANDIDATES

        found = self.search.search(query.vector[None], max(top_k, CANDIDATES))  # (1, K)
        if not self.model.is_familiar(query, float(found.cosines[0, 0])):
            return (), None
        pairs = zip(found.rows[0, :top_k].tolist(), found.cosines[0, :top_k].tolist(), strict=True)
        best, *others = (
            Candidate(rank=rank, location=self.gallery.location(row), cosine=cosine, gallery_row=row)
            for rank, (row, cosine) in enumerate(pairs, 1)
        )
        if self.model.vote_km:
            best = self._let_vote(query, best, found)
        if self.zoom:
            best = self._zoom_in(query, best)
        return (best, *others), self._trace(found)

    def _let_vote(self, query: QueryVector, candidate: Candidate, found: Found) -> Candidate:
        """The best candidate, moved to where most of the candidates' weight lies together."""
        from geotool.gallery.explain import CANDIDATES, to_weights
        from geotool.gallery.vote import vote

        rows, cosines = found.rows[0, :CANDIDATES], found.cosines[0, :CANDIDATES]
        weights = to_weights(cosines, self.model.logit_scale)
        place, peak = vote(self.gallery.latlon_deg[rows], weights, self.model.vote_km)
        cosine = float(self.model.encode_locations(place[None])[0] @ query.vector)
        lat, lon = place.tolist()
        location, row = LatLon(lat=lat, lon=lon), int(rows[peak])
        return replace(candidate, location=location, cosine=cosine, gallery_row=row, source="vote")

    def _zoom_in(self, query: QueryVector, candidate: Candidate) -> Candidate:
        """The candidate, moved to the best place that the gallery leaves out around it."""
        import numpy as np

        from geotool.gallery.zoom import find_spacing_km, zoom

        start_deg = np.array([[candidate.location.lat, candidate.location.lon]])  # (1, 2)
        spacing_km = find_spacing_km(self.gallery.latlon_deg, start_deg)
        found = zoom(self.model, query.vector, start_deg, spacing_km)
        lat, lon = found.latlon_deg[0].tolist()
        cosine = max(candidate.cosine, float(found.cosines[0]))
        return replace(candidate, location=LatLon(lat=lat, lon=lon), cosine=cosine, source="zoom")

    def _trace(self, found: Found) -> SearchTrace:
        from geotool.gallery.explain import CANDIDATES, explain, to_weights

        rows, cosines = found.rows[0, :CANDIDATES], found.cosines[0, :CANDIDATES]
        return SearchTrace(
            comparisons=int(found.comparisons[0]),
            gallery_size=len(self.gallery),
            path=explain(self.gallery.latlon_deg[rows], to_weights(cosines, self.model.logit_scale)),
        )


def with_truth(photo: Photo, truth: LatLon | None) -> Photo:
    """The photo with a typed truth in place of its own, if one is given."""
    return photo if truth is None else replace(photo, truth=truth, truth_source="typed")


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - start
