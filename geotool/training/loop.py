"""Train from a feature store to a model folder: epochs, validation, checkpoints, progress, stop."""

from __future__ import annotations

import shutil
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from geotool.core.artifacts import unfinished_folder
from geotool.core.errors import StoppedError
from geotool.core.report import Report, SilentReport
from geotool.features.store import FeatureStore, load_store
from geotool.model import familiarity
from geotool.model.devices import find_device
from geotool.model.weights import read_tensors
from geotool.model.zoo import ModelInfo, weights_file
from geotool.training.answer_places import read_gallery, thin_places
from geotool.training.config import TrainConfig
from geotool.training.curves import CURVES_DIR, Curves
from geotool.training.epochs import open_features
from geotool.training.export import write_model
from geotool.training.familiarity import Familiarity, carry_familiarity
from geotool.training.feature_rows import VALIDATION_ROWS, check_features, split_rows
from geotool.training.pgeoclip import build_pgeoclip, check_same_features, find_source, find_start
from geotool.training.processes import Processes
from geotool.training.trainer import Trainer
from geotool.training.validation import Figures, ValidationSet, find_best, validate

_SAY_EVERY = 50  # steps
_FREE = ("features", "out", "device", "save_every", "workers", "patience", "title", "purpose", "licence",
         "validation", "gallery")  # settings that another start may change  # fmt: skip


def train(config: TrainConfig, report: Report) -> bool:
    """Train to the last epoch, from the checkpoint if there is one, and write the model folder.

    Whether this process is the one that wrote it. Raises StoppedError (after a checkpoint) if asked to
    stop, NotFoundError (no store), MismatchError (another model's features, features that are no numbers,
    an unfinished training with other settings), EmptyResultError (no rows, a loss that is no number).
    """
    device = find_device(config.device)
    processes = Processes(device)
    try:
        _train(config, device, processes, report if processes.is_first else SilentReport())
        return processes.is_first
    finally:
        processes.close()


def _train(config: TrainConfig, device: str, processes: Processes, report: Report) -> None:
    store = load_store(config.features)
    check_features(store, report)
    source = find_source(store)
    start = find_start(config, source)
    rows, held = _choose_rows(config, store, source, report)
    places = store.latlon_deg[rows]
    pair = build_pgeoclip(config, start, store.dim, places)
    features = open_features(store, device, config.workers)
    trainer = Trainer(config, pair, features, rows, store.latlon_deg, store.views, device, processes)
    folder = unfinished_folder(config.out)
    settings = {
        **{name: value for name, value in vars(config).items() if name not in _FREE},
        "features": store.meta.fingerprint, "start": start.fingerprint, "processes": processes.count,
        "validation": held.fingerprint,
    }  # fmt: skip
    if trainer.resume(folder, settings):
        report.event("going on", epoch=trainer.epoch, step=trainer.step)
    _Course(trainer, held, folder, settings, report).run()
    if processes.is_first:
        _finish(trainer, held, source, folder, report)


def _choose_rows(
    config: TrainConfig, store: FeatureStore, source: ModelInfo, report: Report
) -> tuple[np.ndarray, ValidationSet]:
    """(N,) rows to learn from, and what to validate on: the other rows, or those of another store."""
    if config.validation is None:
        rows, kept = split_rows(store, config.validation_share, config.seed)
        other = store
    else:
        other = load_store(config.validation)
        check_features(other, report)
        check_same_features(find_source(other), source)
        rows = np.arange(len(store))
        kept = np.random.default_rng(config.seed).permutation(len(other))[:VALIDATION_ROWS]
    places = store.latlon_deg[rows]
    gallery = read_gallery(config.gallery) if config.gallery else thin_places(places, config.seed)
    report.event("rows", training=len(rows), validation=len(kept), gallery=len(gallery))
    return rows, ValidationSet(torch.from_numpy(other.read(kept)), other.latlon_deg[kept], gallery)


@dataclass(frozen=True, slots=True)
class _Course:
    """The epochs of a training, each with its validation, its row of the curves and its checkpoint."""

    trainer: Trainer
    held: ValidationSet
    folder: Path
    settings: dict[str, Any]
    report: Report

    def run(self) -> None:
        trainer = self.trainer
        curves = Curves(self.folder / CURVES_DIR, trainer.step) if trainer.processes.is_first else None
        while not trainer.is_over:
            started = time.perf_counter()
            self._run_steps(curves)
            epoch_s = time.perf_counter() - started
            figures = self._validate() if trainer.processes.is_first else None
            # Without validation the last epoch is the best.
            score = trainer.processes.tell(figures.score if figures else float(trainer.epoch))
            trainer.end_epoch(score)
            if curves is not None:
                self._say_epoch(curves, figures, epoch_s)
            trainer.save(self.folder, self.settings)
        if curves is not None:
            curves.close()

    def _run_steps(self, curves: Curves | None) -> None:
        trainer, total = self.trainer, self.trainer.config.epochs * self.trainer.steps_per_epoch
        for _ in trainer.run_epoch():
            self.report.progress(trainer.step, total, unit="steps")
            if trainer.step % _SAY_EVERY == 0:
                self._say_steps(curves)
            is_stopped = trainer.processes.agree(self.report.stop_requested)
            if is_stopped or trainer.step % trainer.config.save_every == 0:
                trainer.save(self.folder, self.settings)
            if is_stopped:
                raise StoppedError("Stopped.", "Start the same command again to go on.")
        self._say_steps(curves)

    def _say_steps(self, curves: Curves | None) -> None:
        trainer = self.trainer
        loss = trainer.mean_loss()
        if curves is not None and loss is not None:
            scale = trainer.pair.temperature().item()
            curves.write(trainer.step, loss=loss, rate=trainer.rate, scale=scale)

    def _validate(self) -> Figures | None:
        if len(self.held.latlon_deg) == 0:
            return None
        self.trainer.pair.eval()
        with self.trainer.autocast():
            figures = validate(self.trainer.pair, self.held)
        self.trainer.pair.train()
        return figures

    def _say_epoch(self, curves: Curves, figures: Figures | None, epoch_s: float) -> None:
        values: dict[str, float | None] = {"epoch": self.trainer.epoch, "epoch_s": round(epoch_s, 3)}
        if figures is not None:
            values |= {f"within_{km}_km": share for km, share in figures.within_km.items()}
            values |= {"median_km": figures.median_km, "score": round(figures.score, 3)}
        curves.write(self.trainer.step, **values)
        self.report.event("epoch", **values)


def _finish(trainer: Trainer, held: ValidationSet, source: ModelInfo, folder: Path, report: Report) -> None:
    """Write the model with the weights of the best epoch, in full precision and on the CPU."""
    trainer.pair.load_state_dict(trainer.best)
    pair = trainer.pair.cpu().eval()
    figures = validate(pair, held) if len(held.latlon_deg) else None
    familiar = _carry_familiarity(trainer, held, source, report)
    curves = folder / CURVES_DIR
    write_model(trainer.config, pair, source, held.gallery_deg, familiar, figures, curves)
    shutil.rmtree(folder, ignore_errors=True)


def _carry_familiarity(
    trainer: Trainer, held: ValidationSet, source: ModelInfo, report: Report
) -> Familiarity | None:
    if source.spec["familiarity"] is None or len(held.latlon_deg) == 0:
        return None
    parameters = read_tensors(weights_file(source), familiarity.PREFIX)
    _, cosines = find_best(trainer.pair, held.features, held.gallery_deg)
    threshold = float(source.spec["familiarity"]["threshold"])
    carried = carry_familiarity(parameters, threshold, held.features, cosines)
    if carried is None:
        reason = f"few or odd to {source.name}"
        report.event(f"the pictures of the validation are {reason}: the model will not tell what is familiar")
    return carried
