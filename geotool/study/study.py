"""The whole study: materials, speed, every variant with every seed, tables. Started again, it goes on."""

from __future__ import annotations

import json
from typing import Any

from geotool.core.artifacts import write_json
from geotool.core.report import Report, stop_if_asked
from geotool.study.config import StudyConfig
from geotool.study.materials import Materials, prepare
from geotool.study.page import to_document, to_page, to_plain, write_into
from geotool.study.place import StudyPlace, open_place
from geotool.study.progress import RunReport
from geotool.study.runs import run
from geotool.study.speed import Speed, measure_speed
from geotool.study.summary import Results
from geotool.study.variants import VARIANTS, Variant

_ANSWERING_S = 15.0  # about, per run, beside its training


def run_study(config: StudyConfig, report: Report) -> tuple[dict[str, Any], str]:
    """The document of study.json and the Markdown of its tables, both written.

    Raises MismatchError (begun with other settings), StoppedError (what is finished is kept), and what the
    commands raise that it runs.
    """
    place = open_place(config)
    if not config.raster:
        report.event("no second test", because="no image of another season was given with --raster")
    materials = prepare(config, place, report)
    speed = measure_speed(config, materials, report)
    _run_all(config, materials, speed, report)
    document = to_document(config, read_results(config, place), speed)
    tables = to_page(document)
    for_programs, for_people = place.tables
    write_json(for_programs, to_plain(document))
    for_people.write_text(f"{tables}\n", encoding="utf-8")
    if config.docs:
        write_into(config.docs, tables)
    return to_plain(document), tables


def read_results(config: StudyConfig, place: StudyPlace) -> Results:
    """What every finished run of the variants and seeds asked for has found."""
    return {
        name: {
            seed: json.loads(place.result(name, seed).read_text(encoding="utf-8"))
            for seed in range(config.seeds)
        }
        for name in VARIANTS
        if name in config.variants
    }


def _run_all(config: StudyConfig, materials: Materials, speed: Speed, report: Report) -> None:
    """Seed by seed, so that a study that is broken off has compared all variants."""
    left = [
        (VARIANTS[name], seed)
        for seed in range(config.seeds)
        for name in VARIANTS
        if name in config.variants and not materials.place.result(name, seed).is_file()
    ]
    costs_s = [_expect_seconds(config, variant, speed) for variant, _ in left]
    for index, (variant, seed) in enumerate(left):
        stop_if_asked(report)
        report.event("run", number=index + 1, of=len(left), variant=variant.name, seed=seed)
        part = RunReport(report, sum(costs_s[:index]), costs_s[index], sum(costs_s))
        run(config, materials, variant, seed, part)


def _expect_seconds(config: StudyConfig, variant: Variant, speed: Speed) -> float:
    if variant.trained_as != variant.name and variant.trained_as in config.variants:
        return _ANSWERING_S
    epochs: float = config.epochs
    if variant.pixels == "learnt tower":
        epochs = config.steps * config.batch / config.tiles
    # The augmented variant reads what was varied before.
    image_s = speed.image_s["features"] if variant.pixels == "frozen tower" else speed.image_side_s(variant)
    return epochs * (image_s + speed.location_side_s(variant)) + _ANSWERING_S
