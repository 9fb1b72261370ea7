"""The same two stages on a Ray cluster, as a Ray Data pipeline: decoding tasks, then actors with the tower.

The driver lists the manifest, puts runs on a shelf a window ahead, and takes back their blocks in order. A
run stays on the shelf until its block has arrived, so whatever a dying node had of it is made again.
docs/cluster.md tells how to set a cluster up.
"""

from __future__ import annotations

import logging
import os
import secrets
import socket
from collections.abc import Generator, Iterator
from types import ModuleType
from typing import Any

from geotool.core.errors import GeotoolError, NotFoundError
from geotool.core.paths import PROJECT_DIR, home
from geotool.features.blocks import Block
from geotool.features.entries import Entry
from geotool.features.ray_stages import DecodeAndEmbedRun, EmbedRun, Shelf, Work, decode_run
from geotool.features.stages import find_run_length, in_groups
from geotool.model.zoo import ModelInfo

_WINDOW_RUNS = 256  # on the shelf at a time
_SEGMENT_RUNS = 4096  # planned at a time: Ray Data keeps something of each until the end
_MAX_TOWER_CPUS = 4  # where there is no GPU; beyond, more towers gain more than larger ones


def make_blocks_on_cluster(
    info: ModelInfo, views: int, entries: Iterator[Entry], count: int, address: str | None
) -> Generator[Block, None, None]:
    """One block per run, in their order; about `count` entries will come. Close it to leave the cluster.

    `address` is that of a running cluster; without one, a cluster of this machine alone is started and ended.
    Raises NotFoundError where Ray is not installed or no cluster answers, and what the stages raise.
    """
    ray = _import_ray()
    _connect(ray, address)
    try:
        yield from _Pipeline(ray, info, views, entries).make_blocks(count)
    except ray.exceptions.RayError as error:
        cause = _find_cause(error)
        if cause is None:
            raise
        raise cause from error
    finally:
        ray.shutdown()


class _Pipeline:
    """One manifest on one cluster."""

    def __init__(self, ray: ModuleType, info: ModelInfo, views: int, entries: Iterator[Entry]) -> None:
        self._ray = ray
        self._gpus = int(ray.cluster_resources().get("GPU", 0))
        device = "cuda" if self._gpus else "cpu"
        self._run_length = find_run_length(device, views)
        self._runs = in_groups(entries, self._run_length)
        self._placed = 0  # runs that were put on the shelf
        self._shelf = ray.remote(Shelf).options(num_cpus=0, scheduling_strategy=_on_this_node(ray)).remote()
        self._work = Work(
            shelf=self._shelf,
            model=info.name,
            fingerprint=info.fingerprint,
            preprocessing=info.spec["preprocessing"],
            home=str(home()),
            device=device,
            views=views,
        )

    def make_blocks(self, count: int) -> Generator[Block, None, None]:
        first, expected = 0, -(-count // self._run_length)
        while self._place_before(first + 1):  # also where more come than were expected
            length = min(_SEGMENT_RUNS, max(1, expected - first))
            for number, block in enumerate(self._process(first, length), start=first):
                if number < self._placed:
                    yield block
                self._shelf.drop_before.remote(number + 1)
                self._place_before(number + 1 + _WINDOW_RUNS)
            first += length

    def _place_before(self, number: int) -> bool:
        """Put the runs before that one on the shelf; False where there are not so many."""
        while self._placed < number:
            run = next(self._runs, None)
            if run is None:
                self._shelf.end_at.remote(self._placed)
                return False
            self._shelf.put.remote(self._placed, run)
            self._placed += 1
        return True

    def _process(self, first: int, length: int) -> Iterator[Block]:
        """The blocks of `length` runs, in their order, as a Ray Data pipeline."""
        self._place_before(first + _WINDOW_RUNS)
        numbers = [{"number": number} for number in range(first, first + length)]
        rows, work = self._ray.data.from_items(numbers, override_num_blocks=length), self._work
        if self._gpus:
            rows = rows.map(decode_run, fn_args=(work,), num_cpus=1)
            # No CPU of their own, or towers could take all of them and leave none to decode with.
            done = self._map_in_actors(rows, EmbedRun, work, self._gpus, num_gpus=1, num_cpus=0)
        else:
            cpus = min(_MAX_TOWER_CPUS, *self._node_cpus())
            towers = sum(count // cpus for count in self._node_cpus())
            done = self._map_in_actors(rows, DecodeAndEmbedRun, work, towers, num_cpus=cpus)
        return (row["block"] for row in done.iter_rows())

    def _map_in_actors(self, rows: Any, stage: type, work: Work, count: int, **resources: int) -> Any:
        """Between one and `count` actors: as many as the nodes that are left can hold."""
        actors = self._ray.data.ActorPoolStrategy(min_size=1, initial_size=count, max_size=count)
        return rows.map(stage, fn_constructor_args=(work,), compute=actors, **resources)

    def _node_cpus(self) -> list[int]:
        """CPUs of each living node that has any."""
        nodes = [node["Resources"].get("CPU", 0) for node in self._ray.nodes() if node["Alive"]]
        return [int(count) for count in nodes if count >= 1]


def _import_ray() -> ModuleType:
    os.environ["RAY_USAGE_STATS_ENABLED"] = "0"  # nothing leaves the machine
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")  # its warnings are for its own developers
    try:
        import ray
        import ray.data
    except ImportError as error:
        raise NotFoundError(
            "The engine ray needs Ray, which is not installed.",
            "Run: python -m pip install -r requirements-ray.txt, or choose --engine local.",
        ) from error
    return ray


def _connect(ray: ModuleType, address: str | None) -> None:
    """Join the cluster at `address`, or start one that listens on this machine alone."""
    own: dict[str, Any] = {}
    if address:
        _check_answer(address)
    else:
        own = {"include_dashboard": False, "_node_ip_address": "127.0.0.1"}
        os.environ.setdefault(
            "RAY_AUTH_TOKEN", secrets.token_hex(32)
        )  # else Ray writes one to the home folder
    try:
        ray.init(
            address or "local",
            logging_level=logging.ERROR,
            log_to_driver=False,
            runtime_env={"env_vars": {"PYTHONPATH": str(PROJECT_DIR), "RAY_USAGE_STATS_ENABLED": "0"}},
            **own,
        )
    except ConnectionError as error:
        raise _no_cluster(address) from error
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False  # there is one already
    logging.getLogger("ray.data").setLevel(logging.ERROR)


def _check_answer(address: str) -> None:
    """Raises NotFoundError where nobody listens: Ray itself waits for minutes."""
    host, _, port = address.rpartition(":")
    if host and port.isdigit() and "/" not in host:
        try:
            socket.create_connection((host, int(port)), timeout=10).close()
        except OSError as error:
            raise _no_cluster(address) from error


def _no_cluster(address: str | None) -> NotFoundError:
    return NotFoundError(f"No Ray cluster answers at {address}.", "See docs/cluster.md for how to start one.")


def _on_this_node(ray: ModuleType) -> Any:
    """The shelf shares the driver's fate, not that of a node that may die before it."""
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


def _find_cause(error: BaseException | None) -> GeotoolError | None:
    """The failure of ours that Ray brought back from a node, if it is one."""
    while error is not None:
        found = getattr(error, "cause", None)
        for candidate in (error, found):
            if isinstance(candidate, GeotoolError):
                return candidate
        error = found or error.__cause__
    return None
