"""Train from a data set to a model folder: resume, checkpoints, progress, stop."""

from __future__ import annotations

import shutil
from pathlib import Path

from geotool.core.artifacts import unfinished_folder
from geotool.core.report import Report, stop_if_asked
from geotool.model.devices import find_device
from geotool.training.answer_places import read_gallery, thin_places
from geotool.training.tower.config import TowerConfig
from geotool.training.tower.export import write_model
from geotool.training.tower.familiarity import fit_familiarity
from geotool.training.tower.tile_set import load_tiles
from geotool.training.tower.trainer import Trainer

_FINER = 1.5  # pictures are kept this much finer than the tower sees them, for turns and zooms
_SAY_EVERY = 50  # steps


def train(config: TowerConfig, report: Report) -> None:
    """Train to the last step, from the checkpoint if there is one, and write the model folder.

    Raises StoppedError (after a checkpoint) if asked to stop, MismatchError where the unfinished
    training had other settings, EmptyResultError where the data set holds nothing usable.
    """
    device = find_device(config.device)
    gallery = read_gallery(config.gallery) if config.gallery else None
    report.event("reading pictures", folder=config.data)
    tiles = load_tiles(config.data, round(config.size_px * _FINER), report)
    trainer = Trainer(config, tiles, device)
    folder = unfinished_folder(config.out)
    if trainer.resume(folder):
        report.event("going on", step=trainer.step)
    _run_steps(trainer, folder, report)
    report.event("measuring what is familiar")
    pair = trainer.pair.cpu().eval()
    places = thin_places(tiles.latlon_deg.numpy(), config.seed) if gallery is None else gallery
    write_model(config, pair, places, fit_familiarity(pair, tiles, places, config.size_px, config.seed))
    shutil.rmtree(folder, ignore_errors=True)


def _run_steps(trainer: Trainer, folder: Path, report: Report) -> None:
    config, smooth = trainer.config, None
    while trainer.step < config.steps:
        loss = trainer.advance()
        smooth = loss if smooth is None else 0.95 * smooth + 0.05 * loss
        report.progress(trainer.step, config.steps, unit="steps")
        if trainer.step % _SAY_EVERY == 0:
            report.event("training", step=trainer.step, loss=smooth, scale=trainer.pair.scale.item())
        last = trainer.step == config.steps
        if report.stop_requested or last or trainer.step % config.save_every == 0:
            trainer.save(folder)
        if not last:
            stop_if_asked(report)
