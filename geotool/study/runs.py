"""One run of a study: train a variant with a seed, unless its model is there, and measure it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from geotool.core.artifacts import write_json
from geotool.core.report import Report
from geotool.model.geomodel import load_model
from geotool.model.zoo import ModelInfo, read_model
from geotool.study.answering import Answerer, to_json
from geotool.study.config import StudyConfig
from geotool.study.materials import UNSEEN, Materials, compute_store, tower_config
from geotool.study.place import home_at
from geotool.study.variants import VARIANTS, Variant
from geotool.training.config import TrainConfig
from geotool.training.loop import train
from geotool.training.tower.loop import train as train_tower

# As train-tower does it: as many other places, and neighbours as near are not wrong.
QUEUE, MASK_KM = 1024, 30.0


def run(config: StudyConfig, materials: Materials, variant: Variant, seed: int, report: Report) -> None:
    """Write the result file of a variant and a seed. Raises what training raises, StoppedError included."""
    with home_at(materials.place.models):
        info = _train(config, materials, VARIANTS[variant.trained_as], seed, report)
        result = _measure(config, materials, variant, info, report)
    target = materials.place.result(variant.name, seed)
    write_json(target, {"variant": variant.name, "seed": seed, **result})


def train_config(config: StudyConfig, materials: Materials, variant: Variant, seed: int) -> TrainConfig:
    """How a variant is trained on features. Every epoch counts: none ends it early."""
    place = materials.place
    has_views = variant.views or variant.pixels == "frozen tower"
    return TrainConfig(
        features=place.store("augmented" if variant.pixels == "frozen tower" else "training"),
        out=place.model(variant.name, seed),
        validation=place.store("validation"),
        seed=seed,
        device=config.device,
        epochs=config.epochs,
        batch=config.batch,
        patience=0,
        random_views=has_views,
        gate=variant.gate,
        constraint=config.constraint if variant.constraint else 0.0,
        optimiser="muon",
        queue=QUEUE,
        mask_km=MASK_KM,
    )


def _train(
    config: StudyConfig, materials: Materials, variant: Variant, seed: int, report: Report
) -> ModelInfo:
    place = materials.place
    folder = place.model(variant.name, seed)
    if not folder.is_dir():
        if variant.pixels == "learnt tower":
            train_tower(tower_config(config, place.tiles("training"), folder, seed), report)
        else:
            train(train_config(config, materials, variant, seed), report)
    return read_model(folder)


def _measure(
    config: StudyConfig, materials: Materials, variant: Variant, info: ModelInfo, report: Report
) -> dict[str, Any]:
    place = materials.place
    answerer = Answerer(load_model(info.name, config.device), materials.gallery_deg)
    guidance = answerer.choose_guidance(place.store("validation")) if variant.guided else None
    tests = {}
    for name in materials.tests:
        store = _find_store(config, materials, variant, info, name, report)
        tests[name] = to_json(answerer.measure(store, guidance))
    pictures = sorted((place.tiles(UNSEEN) / "images").iterdir())
    return {
        "tests": tests,
        "query_ms": answerer.time_query(pictures, guidance),
        "guidance": guidance and {"level": guidance.level, "weight": guidance.weight},
    }


def _find_store(
    config: StudyConfig, materials: Materials, variant: Variant, info: ModelInfo, test: str, report: Report
) -> Path:
    """The features of a test set by the variant's own tower."""
    place = materials.place
    if variant.pixels != "learnt tower":
        return place.store(test)
    store = place.store(f"{info.name}-{test}")
    compute_store(config, info.name, place.tiles(test), store, report, views=1)
    return store
