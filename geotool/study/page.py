"""The outcome of a study as a document for programs and as tables for people."""

from __future__ import annotations

import dataclasses
import shlex
from pathlib import Path
from typing import Any

from geotool.core.config import options
from geotool.core.errors import NotFoundError, UsageError
from geotool.study.config import StudyConfig
from geotool.study.materials import SEASON, UNSEEN
from geotool.study.speed import Speed
from geotool.study.summary import Estimate, Results, estimate, summarise_test
from geotool.study.variants import VARIANTS

BEGIN, END = "<!-- study: begin -->", "<!-- study: end -->"
TITLES = {UNSEEN: "Unseen tiles of the same image", SEASON: "Tiles of another season's image"}
SHOWN_KM = ("25", "100", "200", "750")
_UNTOLD = ("folder", "docs", "format", "device", "world", "raster")  # a page names no folder of a machine


def to_document(config: StudyConfig, results: Results, speed: Speed) -> dict[str, Any]:
    """Everything the tables show, and what they were made with."""
    tests = [test for test in TITLES if test == UNSEEN or config.raster]
    return {
        "command": to_command(config),
        "skipped": {} if config.raster else {SEASON: "No image of another season was given with --raster."},
        "precompute_s": speed.precompute_s,
        "end_to_end_image_s": speed.image_s["end-to-end"],
        "variants": [
            {
                "name": name,
                "title": VARIANTS[name].title,
                "seeds": sorted(runs),
                "tests": {test: summarise_test(results, name, test) for test in tests},
                "image_s": speed.image_side_s(VARIANTS[name]),
                "location_s": speed.location_side_s(VARIANTS[name]),
                "query_ms": estimate([run["query_ms"] for run in runs.values()]),
                "guidance": [run["guidance"] for run in runs.values()] if VARIANTS[name].guided else None,
            }
            for name, runs in results.items()
        ],
    }


def to_command(config: StudyConfig) -> str:
    """What was typed, without the folders of this machine."""
    typed = ["python -m geotool study DIR"]
    for opt in options(StudyConfig):
        value = getattr(config, opt.name)
        if opt.name in _UNTOLD or value == opt.default:
            continue
        values = value if opt.many else (value,)
        typed += [f"{opt.flag} {shlex.quote(str(one))}" for one in values]
    typed += [f"{flag} {file.name}" for flag, file in _files(config) if file]
    return " ".join(typed)


def _files(config: StudyConfig) -> list[tuple[str, Path | None]]:
    return [("--world", config.world), ("--raster", config.raster)]


def to_page(document: dict[str, Any]) -> str:
    """Markdown: a table per test, one of speed."""
    first = document["variants"][0]["tests"]
    parts = [f"`{document['command']}`"]
    for test, title in TITLES.items():
        parts.append(f"### {title}")
        parts.append(_to_test_table(document, test) if test in first else document["skipped"][test])
    parts += ["### Time", _to_time_table(document), _say_guidance(document)]
    return "\n\n".join(part for part in parts if part)


def write_into(page: Path, tables: str) -> None:
    """Put the tables between the two marks of a page. Raises NotFoundError, UsageError without marks."""
    try:
        before, begin, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    except OSError as error:
        raise NotFoundError(f"There is no page {page}.", "Name one with --docs that is there.") from error
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise UsageError(f"{page} has no place for the tables.", f"Put {BEGIN} and {END} into it.")
    page.write_text(f"{before}{BEGIN}\n{tables}\n{END}{after}", encoding="utf-8")


def _to_test_table(document: dict[str, Any], test: str) -> str:
    head = ["variant", "seeds", *(f"<= {km} km" for km in SHOWN_KM), "median km", "score", "gain"]
    rows = []
    for variant in document["variants"]:
        found = variant["tests"][test]
        shown = [*(found["within_km"][km] for km in SHOWN_KM), found["median_km"], found["score"]]
        gain = _to_text(found["gain"], "+") if found["gain"] else ""
        rows.append([variant["title"], str(len(variant["seeds"])), *map(_to_text, shown), gain])
    return _to_table(head, rows)


def _to_time_table(document: dict[str, Any]) -> str:
    head = ["variant", "image side s", "location side s", "faster than end-to-end", "query ms"]
    end_to_end_s = document["end_to_end_image_s"]
    rows = [
        [
            variant["title"],
            f"{variant['image_s']:.3g}",
            f"{variant['location_s']:.3g}",
            f"{end_to_end_s / variant['image_s']:.3g}",
            _to_text(variant["query_ms"]),
        ]
        for variant in document["variants"]
    ]
    once = f"Seconds per epoch. The features are computed once, in {document['precompute_s']:.3g} s per view."
    return f"{_to_table(head, rows)}\n\n{once}"


def _say_guidance(document: dict[str, Any]) -> str:
    chosen = [one for variant in document["variants"] for one in variant["guidance"] or ()]
    said = ", ".join(f"{one['weight']:g} (level {one['level'] + 1})" for one in chosen)
    return f"Weights of the guidance, chosen on the validation tiles, one per seed: {said}." if said else ""


def _to_text(found: Estimate, sign: str = "") -> str:
    half = "" if found.half is None else f" ± {found.half:.2g}"
    return f"{found.mean:{sign}.1f}{half}"


def _to_table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def to_plain(document: dict[str, Any]) -> dict[str, Any]:
    """The document in types that JSON knows."""

    def plain(value: Any) -> Any:
        if isinstance(value, Estimate):
            return dataclasses.asdict(value)
        if isinstance(value, dict):
            return {key: plain(one) for key, one in value.items()}
        return [plain(one) for one in value] if isinstance(value, list | tuple) else value

    return plain(document)
