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
from geotool.photos import read_photo

if TYPE_CHECKING:
    from geotool.gallery.exact import Search
    from geotool.gallery.gallery import Gallery
    from geotool.gallery.search_plan import SearchKind
    from geotool.model.geomodel import GeoModel
    from geotool.model.zoo import ModelInfo

TOP_K = 5  # candidates shown where nobody asks for another number

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Engine:
    """A model and its gallery, in memory and ready. Build one with `Engine.load`."""

    model: GeoModel
    gallery: Gallery
    search: Search

    @classmethod
    def load(
        cls,
        model: str | None = None,
        device: str = "auto",
        report: Report | None = None,
        *,
        search: SearchKind = "hierarchy",
        beam: int | None = None,
        gallery: Path | None = None,
    ) -> Engine:
        """Load a model by name (None: the default one) and its gallery, encoding that if needed.

        `search` is coarse to fine or over all points, `beam` the cells opened at the first level in
        place of the measured number, `gallery` a folder of `build-gallery` in place of the model's own.
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
        return cls(loaded, points, open_search(points, loaded.device, search, beam))

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
        if not self.model.is_familiar(query):
            return (), None
        from geotool.gallery.explain import CANDIDATES, explain, to_weights

        found = self.search.search(query.vector[None], max(top_k, CANDIDATES))  # (1, K)
        rows, cosines = found.rows[0], found.cosines[0]
        weights = to_weights(cosines[:CANDIDATES], self.model.logit_scale)
        trace = SearchTrace(
            comparisons=int(found.comparisons[0]), gallery_size=len(self.gallery),
            path=explain(self.gallery.latlon_deg[rows[:CANDIDATES]], weights),
        )  # fmt: skip
        pairs = zip(rows[:top_k].tolist(), cosines[:top_k].tolist(), strict=True)
        return tuple(
            Candidate(rank=rank, location=self.gallery.location(row), cosine=cosine, gallery_row=row)
            for rank, (row, cosine) in enumerate(pairs, 1)
        ), trace


def with_truth(photo: Photo, truth: LatLon | None) -> Photo:
    """The photo with a typed truth in place of its own, if one is given."""
    return photo if truth is None else replace(photo, truth=truth, truth_source="typed")


@contextmanager
def _timed(timings: dict[str, float], stage: str) -> Iterator[None]:
    start = time.perf_counter()
    yield
    timings[stage] = time.perf_counter() - start
