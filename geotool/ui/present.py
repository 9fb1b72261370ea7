"""Records to words and HTML. Pure: no gradio, no model. Everything that is not ours is escaped."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

from geotool.core.records import Prediction
from geotool.model.zoo import PREFERRED, ModelInfo
from geotool.output import bands
from geotool.output.numbers import format_km, format_latlon, format_mb
from geotool.ui.answer_words import (
    LEVELS,
    UNKNOWN_TITLE,
    UNKNOWN_WORDS,
    is_calibrated,
    is_measured_unknown,
    title,
    trust,
)
from geotool.ui.markup import bar_html, card_html, facts_html
from geotool.ui.mass_bars import bars_html
from geotool.ui.model_host import LoadState
from geotool.ui.restricting import restricted_html
from geotool.ui.results import STATES
from geotool.ui.search_path import path_html
from geotool.ui.state import Item, LocateState

SOURCES = {
    "exif": "From the photo's EXIF",
    "typed": "Typed",
    "clicked": "Clicked on the map",
    "manifest": "From the data set",
}
STRIP = 40  # thumbnails; the rest of a batch is in the table of results


def header_html(state: LoadState) -> str:
    """Device, precision and state of the model: always visible."""
    dot, words = "busy", "Starting"
    if state.phase == "loading":
        words = f"Loading the model{_percent(state.share)}"
        if state.step:
            words += f": {state.step}"
    elif state.phase == "failed":
        dot, words = "bad", state.message
    elif state.engine is not None:
        stamp = state.engine.stamp
        dot, words = "good", f"Ready on {stamp.device.upper()}, {stamp.precision}"
    return f'<span class="gt-dot gt-{dot}" aria-hidden="true"></span><span>{escape(words)}</span>'


def _percent(share: float | None) -> str:
    return "" if share is None else f" {share:.0%}"


def photo_box_value(state: LocateState) -> dict[str, Any]:
    """What the photo box draws; plain JSON, set as text by its script. Of a large batch a part."""
    first = max(0, min(state.selected - STRIP // 2, len(state.items) - STRIP))
    items = [
        {
            "key": item.key,
            "index": index,
            "name": item.name,
            "status": item.status,
            "label": f"{item.name}: {STATES[item.status]}",
            "preview": item.preview_url,
        }
        for index, item in enumerate(state.items[first : first + STRIP], start=first)
    ]
    return {
        "items": items,
        "batch": state.batch,
        "selected": state.selected,
        "total": len(state.items),
        "notice": state.notice,
    }


def answer_html(state: LocateState, load: LoadState, remedy: ModelInfo | None = None) -> str:
    """The sentence that is the answer, for the photo that is shown; two of them where it was edited."""
    item = state.current
    if item is None:
        return card_html(
            "Where was this photo taken?",
            "The answer is a place on the map, with the next best candidates beside it.",
        )
    if item.edited is not None:
        return _pair(state, item, item.edited, load, remedy)
    if item.status in ("waiting", "working"):
        return _working(state, item)
    return _answer(state, item, load, remedy)


def _answer(state: LocateState, item: Item, load: LoadState, remedy: ModelInfo | None) -> str:
    if item.status == "stopped":
        return card_html(f"{item.name} was not located", "The batch was stopped before it.", "unknown")
    if item.status == "error":
        return card_html(failure(item), item.message, "bad")
    restricted = restricted_html(item.within, state.within)
    prediction = item.prediction
    if prediction is None or prediction.is_unknown or prediction.best is None:
        return _unknown(prediction, load, remedy) + restricted
    return _found(prediction, restricted)


def failure(item: Item) -> str:
    """What did not happen to an item with an error; its message says why."""
    return f"{item.name} was not {'located' if item.was_read else 'read'}"


def _pair(state: LocateState, item: Item, edited: Item, load: LoadState, remedy: ModelInfo | None) -> str:
    """Both answers side by side. The one on the map is marked; the buttons are heard by answer.js."""
    cards = (
        ("show_original", "Original", item, not item.shows_edited),
        ("show_edited", "Edited", edited, item.shows_edited),
    )
    halves = "".join(
        f'<section class="gt-half{" gt-on" if on else ""}">{_half_head(act, label, half, on)}'
        f"{_answer(state, half, load, remedy)}</section>"
        for act, label, half, on in cards
    )
    undo = '<button type="button" class="gt-plain" data-act="remove_edited">Remove the edited one</button>'
    return f'<div class="gt-pair">{halves}</div>{undo}'


def _half_head(act: str, label: str, half: Item, on: bool) -> str:
    address = half.preview_url or (f"/gradio_api/file={half.path}" if half.path else "")
    picture = f'<img src="{escape(address)}" alt="">' if address else ""
    words = "on the map" if on else "show on the map"
    return (
        f'<button type="button" class="gt-half-head" data-act="{act}" aria-pressed="{str(on).lower()}">'
        f"{picture}<b>{label}</b> <small>{words}</small></button>"
    )


def _working(state: LocateState, item: Item) -> str:
    if state.waiting_for:
        bar = "" if state.waiting_share is None else bar_html(state.waiting_share)
        return card_html("Waiting for the model", state.waiting_for, "busy", bar)
    return card_html(f"Locating {item.name}", "Reading the photo and comparing it with known places.", "busy")


def _found(prediction: Prediction, restricted: str) -> str:
    assert prediction.best is not None
    level = _level(prediction)
    words = trust(prediction.confidence)
    card = card_html(title(prediction), words, "found", restricted + _error(prediction) + level)
    return card + path_html(prediction.search)


def _level(prediction: Prediction) -> str:
    """The level in words and as steps, from continent to street."""
    confidence = prediction.confidence
    if confidence is None or not is_calibrated(confidence) or confidence.level not in LEVELS:
        return ""
    reached = LEVELS.index(confidence.level)
    steps = "".join(f'<i class="{"gt-reached" if n <= reached else ""}"></i>' for n in range(len(LEVELS)))
    return (
        f'<p class="gt-level"><span>{confidence.level.capitalize()} level</span>'
        f'<span class="gt-steps" aria-hidden="true">{steps}</span></p>'
    )


def _error(prediction: Prediction) -> str:
    error_km = prediction.error_km
    if error_km is None:
        return ""
    band = bands.band_of(error_km)
    return (
        f'<p class="gt-error"><span class="gt-band" style="background:var(--band-{band})"></span>'
        f"<strong>{format_km(error_km)}</strong> from the truth: {bands.NAMES[band]}</p>"
    )


def _unknown(prediction: Prediction | None, load: LoadState, remedy: ModelInfo | None) -> str:
    """No pin, why, and what would help."""
    if prediction is not None and is_measured_unknown(prediction):
        return card_html(UNKNOWN_TITLE, UNKNOWN_WORDS, "unknown")
    title = "This picture gets no pin"
    if load.engine is None:
        return card_html(title, "It does not look like what the model was made for.", "unknown")
    info = load.engine.info
    words = f"It does not look like the pictures that the model in use was made for. {info.purpose}"
    if remedy is not None:
        words += f" What would help is {remedy.title}, for {_lower(remedy.purpose)}"
    return card_html(title, words, "unknown")


def _lower(sentence: str) -> str:
    """A sentence continued inside another; names in capitals stay."""
    return sentence[:1].lower() + sentence[1:] if sentence[1:2].islower() else sentence


def find_remedy(models: Iterable[ModelInfo], in_use: str | None = None) -> ModelInfo | None:
    """The model for photographs, unless it is the one in use."""
    return next((info for info in models if info.name == PREFERRED and info.name != in_use), None)


def remedy_label(remedy: ModelInfo) -> str:
    """What the button under an unknown picture does."""
    if remedy.state == "ready":
        return f"Use {remedy.title}"
    return f"Get {remedy.title} ({format_mb(remedy.download_mb or 0)})"


def notice_html(sentence: str, kind: str = "bad") -> str:
    return f'<p class="gt-message gt-{kind}" role="status">{escape(sentence)}</p>'


def progress_html(step: str, share: float | None) -> str:
    """A bar with its percentage; without a known whole only the step."""
    words = escape((step or "Working").capitalize())
    if share is None:
        return f'<p role="status">{words}</p>'
    return f'<p role="status">{words}: {share:.0%}</p>{bar_html(share)}'


def truth_note(item: Item | None, problem: str = "") -> str:
    """Under the truth field: where it comes from, or how to give one."""
    if problem:
        return f'<p class="gt-note gt-bad" role="alert">{escape(problem)}</p>'
    photo = item.prediction.photo if item is not None and item.prediction is not None else None
    if photo is None or photo.truth is None:
        return '<p class="gt-note">Type lat, lon, or click the map. The model never sees it.</p>'
    source = SOURCES[photo.truth_source or "typed"]
    return f'<p class="gt-note">{source}. The model never sees it.</p>'


def truth_text(item: Item | None) -> str:
    photo = item.prediction.photo if item is not None and item.prediction is not None else None
    return format_latlon(photo.truth) if photo is not None and photo.truth is not None else ""


def examples_html(url: str, examples: Sequence[Path]) -> str:
    """Buttons with pictures; each carries its index, never a path. Nothing where there are none."""
    if not examples:
        return ""
    buttons = "".join(
        f'<button type="button" class="gt-example" data-index="{i}" aria-label="Try example {i + 1}">'
        f'<img src="{url}/{escape(path.name)}" alt=""></button>'
        for i, path in enumerate(examples)
    )
    return f'<div class="gt-examples"><p>Or try an example:</p>{buttons}</div>'


def details_html(item: Item | None) -> str:
    """How this answer came about: how the candidates are shared out, model and timings."""
    prediction = item.prediction if item is not None else None
    if item is None or prediction is None:
        return ""
    model, timings = prediction.model, prediction.timings_s
    rows = [
        ("File", item.name),
        ("Model", f"{model.name} ({model.fingerprint}), {model.device} {model.precision}"),
        ("Time", ", ".join(f"{step} {seconds * 1000:.0f} ms" for step, seconds in timings.items())),
    ]
    if prediction.confidence is not None and prediction.confidence.calibration:
        rows.append(("Calibration", prediction.confidence.calibration))
    return bars_html(prediction.search) + facts_html(rows)


def model_card_html(info: ModelInfo, in_use: bool) -> str:
    """One model as the Models tab shows it: what for, state, size, licence, accuracy."""
    size = (
        format_mb(info.size_mb)
        if info.state == "ready"
        else f"{format_mb(info.download_mb or 0)} to download"
    )
    state = "in use" if in_use else info.state
    rows = [("State", state), ("Size", size), ("Licence", info.licence)]
    rows += [("Accuracy", line) for line in accuracy_lines(info.accuracy)] or [
        ("Accuracy", "not measured here")
    ]
    head = f"<h2>{escape(info.title)}</h2><p>{escape(info.purpose)}</p>"
    return f'<div class="gt-model">{head}{facts_html(rows)}</div>'


def accuracy_lines(accuracy: Iterable[dict[str, Any]]) -> list[str]:
    """One line per measurement of a model's accuracy card."""
    return [_accuracy_line(card) for card in accuracy]


def _accuracy_line(card: dict[str, Any]) -> str:
    shares = ", ".join(f"{share:g} % within {limit} km" for limit, share in card.get("within_km", {}).items())
    count = f" (n = {card['n']})" if "n" in card else ""
    return f"{card.get('data', 'unnamed data')}{count}: {shares}"
