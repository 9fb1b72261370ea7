"""The cluster's store is the local engine's, byte for byte, even if a node dies meanwhile."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from geotool.core.artifacts import unfinished_folder
from geotool.core.errors import NotFoundError
from geotool.core.paths import HOME_VARIABLE, PROJECT_DIR
from geotool.core.report import SilentReport
from geotool.features.precompute import precompute
from tests.features.photo_sets import settings, write_photo_set
from tests.features.stores import read_files
from tests.features.tiny_models import write_tiny_model

ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "1",  # as on the cluster, where each tower has a core of its own
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "0123456789abcdef" * 4,  # the same on all nodes; without it, Ray leaves one in ~/.ray
}


def start_geotool(data: Path, target: Path, model: str, *options: str) -> subprocess.Popen[bytes]:
    arguments = ["precompute", str(data), "--model", model, "--out", str(target), *options]
    return subprocess.Popen([sys.executable, "-m", "geotool", *arguments], cwd=PROJECT_DIR, env=ENVIRONMENT)


def test_without_ray_the_engine_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path / "home"))
    write_tiny_model(tmp_path / "home")
    data = write_photo_set(tmp_path / "set", 2)
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(NotFoundError, match=r"requirements-ray\.txt"):
        precompute(settings(data, tmp_path / "store", engine="ray"), SilentReport())


@pytest.mark.slow
def test_a_cluster_of_one_node_gives_the_same_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="Ray is not installed")
    monkeypatch.setitem(ENVIRONMENT, HOME_VARIABLE, str(tmp_path / "home"))
    write_tiny_model(tmp_path / "home")
    data = write_photo_set(tmp_path / "set", 70, broken=(5, 40))
    assert start_geotool(data, tmp_path / "local", "tiny", "--device", "cpu").wait(100) == 0
    assert start_geotool(data, tmp_path / "ray", "tiny", "--engine", "ray").wait(200) == 0
    assert read_files(tmp_path / "ray") == read_files(tmp_path / "local")


class Node:
    """One `ray start` on this machine, with all that it starts."""

    def __init__(self, *options: str) -> None:
        command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", *options]
        self.process = subprocess.Popen(
            [*command, "--disable-usage-stats", "--object-store-memory", "200000000"],
            cwd=PROJECT_DIR, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def has_tower(self) -> bool:
        return any("MapWorker" in " ".join(child.info["cmdline"] or ()) for child in self._children())

    def kill(self) -> None:
        """Everything at once, as when the power goes."""
        children = list(self._children())
        self.process.kill()
        for child in children:
            child.kill()
        self.process.wait()

    def _children(self) -> Iterator:
        import psutil

        for child in psutil.Process(self.process.pid).children(recursive=True):
            try:
                child.info = child.as_dict(["cmdline"])
            except psutil.NoSuchProcess:
                continue
            yield child


@pytest.fixture
def nodes() -> Iterator[tuple[str, Node, Node]]:
    pytest.importorskip("ray", reason="Ray is not installed")
    address = f"127.0.0.1:{free_port()}"
    local = ("--node-ip-address", "127.0.0.1")
    head = Node(
        "--head", "--port", address.split(":")[1], "--num-cpus", "1", "--include-dashboard", "false", *local
    )
    wait_until(lambda: answers(address))
    second = Node("--address", address, "--num-cpus", "2", *local)
    wait_until(lambda: count_nodes(address) == 2)
    try:
        yield address, head, second
    finally:
        for node in (second, head):
            if node.process.poll() is None:
                node.kill()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_node_killed_in_mid_run_costs_nothing(tmp_path: Path, nodes: tuple[str, Node, Node]) -> None:
    address, _, second = nodes
    data = write_photo_set(tmp_path / "set", 1500, broken=(7, 1234))
    run = start_geotool(data, tmp_path / "ray", "bluemarble", "--engine", "ray", "--address", address)
    journal = unfinished_folder(tmp_path / "ray") / "journal.jsonl"
    wait_until(lambda: second.has_tower() and journal.exists() and journal.stat().st_size > 0)
    second.kill()
    assert run.poll() is None, "it was over before the node died"
    assert run.wait(200) == 0
    assert start_geotool(data, tmp_path / "local", "bluemarble", "--device", "cpu").wait(200) == 0
    assert read_files(tmp_path / "ray") == read_files(tmp_path / "local")


def wait_until(is_so, limit_s: float = 120) -> None:
    end = time.monotonic() + limit_s
    while not is_so():
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.05)


def count_nodes(address: str) -> int:
    """Nodes that have joined, as a process of their own sees them."""
    ask = f"import ray; ray.init('{address}', log_to_driver=False); print(len(ray.nodes()))"
    answer = subprocess.run([sys.executable, "-c", ask], env=ENVIRONMENT, capture_output=True, check=False)
    return int(answer.stdout.split()[-1]) if answer.returncode == 0 else 0


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def answers(address: str) -> bool:
    host, port = address.split(":")
    try:
        socket.create_connection((host, int(port)), timeout=1).close()
        return True
    except OSError:
        return False
