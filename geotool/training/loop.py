"""Train from a data set to a model folder: resume, checkpoints, progress, stop."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from geotool.core.errors import NotFoundError, UsageError
from geotool.core.report import Report, stop_if_asked
from geotool.model.devices import find_device
from geotool.training.config import TrainConfig
from geotool.training.export import write_model
from geotool.training.familiarity import fit_familiarity
from geotool.training.tile_set import TileSet, load_tiles
from geotool.training.trainer import STATE_FILE, Trainer

GALLERY_SIZE = 50_000
_FINER = 1.5  # pictures are kept this much finer than the tower sees them, for turns and zooms
_SAY_EVERY = 50  # steps


def train(config: TrainConfig, report: Report) -> None:
    """Train to the last step, from the checkpoint if there is one, and write the model folder.

    Raises StoppedError (after a checkpoint) if asked to stop, MismatchError where the unfinished
    training had other settings, EmptyResultError where the data set holds nothing usable.
    """
    device = find_device(config.device)
    gallery = read_gallery(config.gallery) if config.gallery else None
    report.event("reading pictures", folder=config.data)
    tiles = load_tiles(config.data, round(config.size_px * _FINER), report)
    trainer = Trainer(config, tiles, device)
    folder = checkpoint_folder(config.out)
    if (folder / STATE_FILE).is_file():
        trainer.load(folder)
        report.event("going on", step=trainer.step)
    _run_steps(trainer, folder, report)
    report.event("measuring what is familiar")
    pair = trainer.pair.cpu().eval()
    places = thin_places(tiles, config.seed) if gallery is None else gallery
    write_model(config, pair, places, fit_familiarity(pair, tiles, places, config.size_px, config.seed))
    shutil.rmtree(folder, ignore_errors=True)


def read_gallery(path: Path) -> np.ndarray:
    """(N, 2) lat, lon. Raises NotFoundError or UsageError."""
    if not path.is_file():
        raise NotFoundError(f"There is no file {path}.", "Name a .npy file with --gallery.")
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise UsageError(f"{path} is no .npy file.", "Write it with numpy.save.") from error
    is_usable = found.ndim == 2 and found.shape[1:] == (2,) and found.dtype.kind == "f" and len(found) > 0
    if not (is_usable and np.isfinite(found).all() and (np.abs(found) <= (90, 180)).all()):
        raise UsageError(f"{path} holds no coordinates.", "It needs (N, 2) lat, lon in degrees.")
    return found


def thin_places(tiles: TileSet, seed: int) -> np.ndarray:
    """The places of a data set as a gallery, at most GALLERY_SIZE of them."""
    places = np.unique(tiles.latlon_deg.numpy(), axis=0)
    if len(places) > GALLERY_SIZE:
        places = places[np.sort(np.random.default_rng(seed).permutation(len(places))[:GALLERY_SIZE])]
    return places


def checkpoint_folder(out: Path) -> Path:
    """Where an unfinished training lies: beside the model it is to become."""
    return out.with_name(f"{out.name}-unfinished")


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
