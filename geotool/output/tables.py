"""Results as rows: a table to read in a terminal, CSV for spreadsheets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from geotool.core.records import ItemError, Prediction, SearchTrace
from geotool.output.numbers import format_km, format_latlon, format_share

CSV_COLUMNS = (
    *("photo", "photo_id", "rank", "lat", "lon", "cosine", "error_km"),
    *("truth_lat", "truth_lon", "truth_source", "message"),
    *("path", "comparisons"),
)
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n")
UNKNOWN_MESSAGE = "This model cannot say where the picture was taken."


def to_table(results: Sequence[Prediction | ItemError]) -> str:
    """A block of lines per input: the photo, its error where the truth is known, its candidates."""
    return "\n".join(line for result in results for line in _block(result)) + "\n"


def _block(result: Prediction | ItemError) -> Iterable[str]:
    if isinstance(result, ItemError):
        yield f"{_one_line(result.path)}\n  not read: {result.message}"
        return
    yield _one_line(result.photo.path)
    if not result.candidates:
        yield f"  {UNKNOWN_MESSAGE}"
    for candidate in result.candidates:
        yield f"  {candidate.rank:>3}  {format_latlon(candidate.location):>20}  cosine {candidate.cosine:.3f}"
    if result.search is not None and result.search.path:
        yield f"  path {_path(result.search)}"
    if result.photo.truth is not None:
        error = "" if result.error_km is None else f", error {format_km(result.error_km)}"
        yield f"  truth {format_latlon(result.photo.truth)} ({result.photo.truth_source}){error}"


def _path(search: SearchTrace) -> str:
    """From coarse to fine, with the share of the candidates' weight: "Europe 93 % > Italy 71 %"."""
    return " > ".join(f"{level.name} {format_share(level.mass)}" for level in search.path)


def _one_line(value: object) -> str:
    """Control characters made visible: a file name must not move the cursor of a terminal."""
    return "".join(c if c.isprintable() else f"\\x{ord(c):02x}" for c in str(value))


def to_csv(results: Sequence[Prediction | ItemError]) -> str:
    """One row per candidate, and one row with a message per input without any."""
    text = io.StringIO()
    writer = csv.DictWriter(text, CSV_COLUMNS, restval="", lineterminator="\r\n")
    writer.writeheader()
    for result in results:
        writer.writerows(_csv_rows(result))
    return text.getvalue()


def _csv_rows(result: Prediction | ItemError) -> Iterable[dict[str, object]]:
    if isinstance(result, ItemError):
        yield {"photo": _no_formula(result.path), "message": _no_formula(result.message)}
        return
    photo = result.photo
    common: dict[str, object] = {"photo": _no_formula(photo.path), "photo_id": photo.photo_id}
    if photo.truth is not None:
        common |= {"truth_lat": photo.truth.lat, "truth_lon": photo.truth.lon}
        common["truth_source"] = photo.truth_source
    if not result.candidates:
        yield {**common, "message": UNKNOWN_MESSAGE}
    for candidate in result.candidates:
        row = {"rank": candidate.rank, "lat": candidate.location.lat, "lon": candidate.location.lon}
        # What is said of the answer stands in the row of the answer alone.
        answer = _answer_columns(result) if candidate.rank == 1 else {}
        yield {**common, **row, "cosine": float(candidate.cosine), **answer}


def _answer_columns(result: Prediction) -> dict[str, object]:
    search = result.search
    if search is None:
        return {"error_km": result.error_km}
    return {
        "error_km": result.error_km,
        "path": _no_formula(_path(search)),
        "comparisons": search.comparisons,
    }


def _no_formula(value: object) -> str:
    """Text that a spreadsheet would take for a formula gets a quote in front."""
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(FORMULA_STARTS) else text
