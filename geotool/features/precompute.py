"""From a data set to a feature store: look through it, say what it will cost, run it, go on after a stop."""

from __future__ import annotations

import contextlib
import shutil
import time
from collections.abc import Generator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geotool.core import paths
from geotool.core.errors import EmptyResultError, UsageError
from geotool.core.report import Report, stop_if_asked
from geotool.features.blocks import Block
from geotool.features.config import PrecomputeConfig
from geotool.features.entries import entries_to_do
from geotool.features.estimate import estimate_bytes, estimate_seconds
from geotool.features.pipeline import make_blocks
from geotool.features.stages import find_run_length, in_groups
from geotool.features.store import FAILURES_FILE
from geotool.features.writer import StoreWriter, find_finished, open_writer
from geotool.model.geomodel import GeoModel, load_model
from geotool.photos.manifest import open_manifest
from geotool.photos.manifest_report import survey
from geotool.photos.manifest_rows import Manifest
from geotool.photos.survey import Survey


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a run is about to do. `seconds` is None where a cluster computes."""

    config: PrecomputeConfig
    folder: Path
    manifest: Manifest
    model: GeoModel
    survey: Survey
    disk_bytes: int
    seconds: float | None

    @property
    def entries(self) -> int:
        """All that the manifest lists, usable or not."""
        return self.survey.photos + self.survey.unusable

    @property
    def inputs(self) -> dict[str, Any]:
        """What decides the content of the store."""
        return {
            "model": self.model.info.features_fingerprint,
            "preprocessing": self.model.info.spec["preprocessing"],
            "views": self.config.views,
            "data": self.survey.fingerprint,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """What a store holds after a run, which itself embedded `embedded` photos of it."""

    folder: Path
    photos: int
    failed: int
    embedded: int
    seconds: float

    @property
    def failures_file(self) -> Path:
        """The photos without a row, with the reasons."""
        return self.folder / FAILURES_FILE


def precompute(config: PrecomputeConfig, report: Report) -> Summary:
    """Plan and run; the same call again goes on where it was stopped. Raises what the two do."""
    return run_plan(make_plan(config, report), report)


def make_plan(config: PrecomputeConfig, report: Report) -> Plan:
    """Look through the data set and measure a sample; nothing is written.

    Raises NotFoundError (data, model), UsageError (swapped coordinates, options that do not fit),
    EmptyResultError (no photo with coordinates, more faults than --max-failures), DeviceError, StoppedError.
    """
    is_local = config.engine == "local"
    if is_local and config.address is not None:
        raise UsageError("--address is that of a Ray cluster.", "Add --engine ray, or leave it out.")
    manifest = open_manifest(config.data)
    model = load_model(config.model, config.device if is_local else "cpu")
    found = survey(manifest, report)
    if not found.photos:
        first = found.faults[0].examples[0].message if found.faults else "It lists no photos."
        raise EmptyResultError(f"{config.data} has no photo with coordinates.", first)
    _check_failures(found.unusable, config)
    report.event("measuring a sample")
    return Plan(
        config=config,
        folder=config.out or paths.home() / "features" / f"{model.name}-{_stem(config.data)}",
        manifest=manifest,
        model=model,
        survey=found,
        disk_bytes=estimate_bytes(found.photos, config.views, model.info.feature_dim),
        seconds=estimate_seconds(model, manifest, found.photos, config.views) if is_local else None,
    )


def run_plan(plan: Plan, report: Report) -> Summary:
    """Write the store, or go on with it.

    Raises EmptyResultError (too many failures, or no photo could be used), StoppedError, DeviceError,
    NotFoundError (photos vanished, or Ray is not installed), and what `open_writer` and its writer raise.
    """
    config, begin = plan.config, time.monotonic()
    finished = None if config.append else find_finished(plan.folder, plan.inputs)
    if finished:
        report.event("the store is there already", folder=plan.folder)
        failed = finished.meta.config["failed"]
        return Summary(folder=plan.folder, photos=len(finished), failed=failed, embedded=0, seconds=0.0)
    about = {"model": plan.model.name, "source": config.data.name}
    dim = plan.model.info.feature_dim
    with open_writer(
        plan.folder, plan.inputs, about, config.views, dim, report, append=config.append
    ) as writer:
        _check_disk(plan, writer)
        before = writer.rows
        with contextlib.closing(_make_blocks(plan, writer)) as blocks:
            _write_blocks(blocks, writer, plan, report)
        photos, failed = writer.rows, writer.failed
        writer.finish()
    seconds = time.monotonic() - begin
    return Summary(
        folder=plan.folder, photos=photos, failed=failed, embedded=photos - before, seconds=seconds
    )


def _make_blocks(plan: Plan, writer: StoreWriter) -> Generator[Block, None, None]:
    """The blocks that are still to be written, by the engine asked for."""
    done = _count_done(writer)
    entries = entries_to_do(plan.manifest.rows(), writer.is_known, done)
    if plan.config.engine == "local":
        runs = in_groups(entries, find_run_length(plan.model.device, plan.config.views))
        return make_blocks(plan.model, plan.config.views, runs)
    from geotool.features.ray_engine import make_blocks_on_cluster

    left = plan.entries - done
    return make_blocks_on_cluster(plan.model.info, plan.config.views, entries, left, plan.config.address)


def _write_blocks(
    blocks: Generator[Block, None, None], writer: StoreWriter, plan: Plan, report: Report
) -> None:
    """Write each block while the next one is made; a wish to stop is granted when it is on the disk.

    Raises StoppedError, or EmptyResultError for too many failures; what is written is kept.
    """
    done, failed = _count_done(writer), writer.failed
    total = None if plan.config.append else plan.entries  # how many of them are new shows when they come
    with ThreadPoolExecutor(1, "write") as pool:
        written: Future[Any] = pool.submit(bool)  # nothing yet
        for block in blocks:
            written.result()
            written = pool.submit(writer.append, block)
            failed += len(block.failures)
            done += len(block) + len(block.failures)
            report.progress(done, total, failed, "photos")
            if report.stop_requested or _are_too_many(failed, plan.config):
                break
        written.result()
    stop_if_asked(report)
    _check_failures(failed, plan.config)


def _count_done(writer: StoreWriter) -> int:
    """Entries that have become a row or a failure. However they were cut into blocks, the rest follows."""
    return writer.rows - writer.rows_before + writer.failed


def _are_too_many(failed: int, config: PrecomputeConfig) -> bool:
    return config.max_failures is not None and failed > config.max_failures


def _check_failures(failed: int, config: PrecomputeConfig) -> None:
    if _are_too_many(failed, config):
        raise EmptyResultError(
            f"{failed:,} photos cannot be used, more than --max-failures {config.max_failures} allows.",
            "What is done is kept: the same command with a larger --max-failures goes on.",
        )


def _check_disk(plan: Plan, writer: StoreWriter) -> None:
    """Raise UsageError before hours of work, not after."""
    left = max(0, plan.entries - _count_done(writer))
    needed = plan.disk_bytes * left / plan.entries
    free = shutil.disk_usage(plan.folder.resolve().parent).free
    if free < needed:
        sizes = f"{needed / 1e9:.1f} GB are needed in {plan.folder.parent}, {free / 1e9:.1f} GB are free."
        raise UsageError(sizes, "Name a folder on a larger disk with --out.")


def _stem(path: Path) -> str:
    """The name of a data set: of its folder, or of its table or tar without any ending."""
    name = path.resolve().name
    return name if path.is_dir() else name.lstrip(".").partition(".")[0] or name
