"""Writes the results that the page asks for into the private folder, from where the browser takes them."""

from __future__ import annotations

import secrets
from dataclasses import replace
from pathlib import Path

from geotool.core.errors import UsageError
from geotool.core.records import ItemError, Prediction
from geotool.output.export import to_text, write
from geotool.output.numbers import format_count
from geotool.ui.results import FORMATS
from geotool.ui.state import Item, LocateState


def save(state: LocateState, format: str, folder: Path) -> dict[str, str]:
    """Write all results in one of FORMATS: {"url", "name", "words"} of the new file.

    Raises UsageError for another format and where there are no results yet.
    """
    if format not in FORMATS:
        raise UsageError(f"There is no format {format!r}.", f"Choose from {', '.join(FORMATS)}.")
    found = [to_export(item.shown, format) for item in state.items]
    results = [result for result in found if result is not None]
    if not results:
        raise UsageError("There is nothing to save yet.", "Locate a photo first.")
    inside = folder / f"export-{secrets.token_hex(8)}"
    inside.mkdir(mode=0o700)
    path = inside / f"{_stem(state)}.{format}"
    write(to_text(results, format, {"within": _restrictions(state)}), path)
    count = "1 photo" if len(results) == 1 else f"{format_count(len(results))} photos"
    words = f"{FORMATS[format]} of {count} written; your browser saves it as {path.name}."
    return {"url": f"/gradio_api/file={path}", "name": path.name, "words": words}


def to_export(item: Item, format: str) -> Prediction | ItemError | None:
    """The result under the photo's own name: where the private folder lies concerns nobody.

    The report reads the photo for its picture, so that it needs the path, and shows the name alone.
    """
    result = item.result
    if result is None:
        known = item.status == "error"
        return ItemError(path=item.name, stage="read", message=item.message) if known else None
    if isinstance(result, ItemError):
        return replace(result, path=item.name)
    if format == "html":
        return result
    return replace(result, photo=replace(result.photo, path=Path(item.name)))


def _restrictions(state: LocateState) -> tuple[str, ...]:
    """What the answers were restricted to, as `--within` takes it; empty where none was."""
    asked = {str(item.shown.within or "everywhere"): None for item in state.items if item.shown.prediction}
    return () if list(asked) == ["everywhere"] else tuple(asked)


def _stem(state: LocateState) -> str:
    return "geotool-photo" if len(state.items) == 1 else f"geotool-{len(state.items)}-photos"
