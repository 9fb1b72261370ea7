"""Say where photos were taken: the best matching points of the model's gallery."""

from __future__ import annotations

import dataclasses
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from geotool.answer.restriction import parse_within
from geotool.core.config import option
from geotool.core.coordinates import parse_latlon
from geotool.core.errors import StoppedError, UsageError
from geotool.core.records import ItemError, Prediction
from geotool.core.report import Report
from geotool.engine import TOP_K, Engine
from geotool.gallery.search_plan import SEARCH, SearchKind
from geotool.photos import find_photos

Result = Prediction | ItemError


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `locate`."""

    photos: tuple[Path, ...] = option(
        help="photos (JPEG, PNG, WebP, HEIC, AVIF) and folders of them", positional=True
    )
    model: str | None = option(None, help="model by name (default: the best one that is ready)")
    device: Literal["auto", "cpu", "cuda", "mps"] = option("auto", help="where to compute")
    top_k: int = option(TOP_K, help="candidates per photo", min=1, max=1000)
    search: SearchKind = option(SEARCH, help="coarse to fine, or all points")
    beam: int | None = option(None, help="leaves of the tree that are read (default: measured)", min=1)
    gallery: Path | None = option(None, help="folder of build-gallery (default: the model's own points)")
    within: tuple[str, ...] = option(
        (), help="answers only there: IT,FR or south,west,north,east or lat,lon,km; may be given again"
    )
    zoom: bool = option(False, help="move the best place to the best point between those of the gallery")
    truth: str | None = option(None, help="where the photo was taken, as LAT,LON: gives the error")
    format: Literal["table", "json", "csv", "geojson", "kml", "html"] = option("table", help="output")
    out: Path | None = option(None, help="file to write (default: standard output)")


def run(config: Config, report: Report) -> int:
    """Print one result or error per photo, in input order; the exit code is the first error's.

    Ctrl-C ends the batch: what was done until then is printed or written all the same.
    """
    from geotool.output import export  # folium and jinja, which --help does without

    photos = find_photos(config.photos)
    if config.truth and len(photos) > 1:
        raise UsageError("--truth says where one photo was taken.", "Give one photo with it.")
    truth = parse_latlon(config.truth) if config.truth else None
    within = parse_within(config.within)
    if config.out:
        export.check_writable(config.out)
    engine = Engine.load(
        config.model, config.device, report,
        search=config.search, beam=config.beam, gallery=config.gallery, zoom=config.zoom,
    )  # fmt: skip
    engine = engine.within(within)
    found = engine.locate_each(photos, truth=truth, top_k=config.top_k, report=report)
    results, stopped = _until_stopped(found)
    if results:
        _put_out(export.to_text(results, config.format, _settings(config), report), config.out)
    exit_code = _say_errors([result for result in results if isinstance(result, ItemError)])
    if stopped:
        done = f"Stopped after {len(results)} of {len(photos)} photos."
        raise StoppedError(done, _kept(results, config.out))
    return exit_code


def _until_stopped(found: Iterator[Result]) -> tuple[list[Result], bool]:
    """The results, and whether the user ended them: politely, or by a second Ctrl-C within one photo."""
    results: list[Result] = []
    try:
        for result in found:
            results.append(result)
    except (StoppedError, KeyboardInterrupt):
        return results, True
    return results, False


def _put_out(text: str, path: Path | None) -> None:
    from tqdm import tqdm

    from geotool.output import export

    if path:
        export.write(text, path)
    else:
        tqdm.write(text.removesuffix("\n"), file=sys.stdout)  # not into the line of the progress bar


def _settings(config: Config) -> dict[str, object]:
    """What a report says about how its answers were made."""
    elsewhere = {"photos", "truth", "format", "out"}
    return {name: value for name, value in dataclasses.asdict(config).items() if name not in elsewhere}


def _kept(results: list[Result], path: Path | None) -> str:
    where = f"in {path}" if path else "above"
    return f"Their results are {where}." if results else "Nothing was written."


def _say_errors(errors: list[ItemError]) -> int:
    from tqdm import tqdm

    from geotool.output.tables import one_line

    for error in errors:
        tqdm.write(f"geotool: {one_line(error.path)}: {error.message}", file=sys.stderr)
    return errors[0].exit_code if errors else 0
