"""Downloads against a small server that speaks what the Hub speaks: HEAD, redirects, ranges."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from clips import random_tower, write_checkpoint, write_tiny_model_json

from geotool.core.errors import GeotoolError, MismatchError, NotFoundError, RemoteError, StoppedError
from geotool.core.paths import HOME_VARIABLE, PROJECT_DIR
from geotool.core.report import SilentReport
from geotool.model import download
from geotool.model.download import RemoteFile, fetch

CONTENT = bytes(range(256)) * 20000  # 5 MB
REVISION = "0" * 40


class FakeHub:
    """Serves one file as the Hub does: metadata on a redirect, the bytes from another path."""

    def __init__(self, content: bytes) -> None:
        self.content = content
        self.etag = hashlib.sha256(content).hexdigest()
        self.requests: list[tuple[str, str, str | None]] = []  # method, path, range
        self.break_after: list[int] = []  # bytes to send before each of the next broken connections
        self.ignores_ranges = False
        self.status = 200
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def _handler(hub) -> type[BaseHTTPRequestHandler]:
        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._redirect()

            def do_GET(self) -> None:
                if self.path.startswith("/cdn/"):
                    self._send_bytes()
                else:
                    self._redirect()

            def _redirect(self) -> None:
                hub.requests.append((self.command, self.path, self.headers.get("Range")))
                self.send_response(302 if hub.status == 200 else hub.status)
                if hub.status == 404:
                    self.send_header("X-Error-Code", "EntryNotFound")
                self.send_header("X-Repo-Commit", REVISION)
                self.send_header("X-Linked-Size", str(len(hub.content)))
                self.send_header("X-Linked-Etag", f'"{hub.etag}"')
                # Another name of this machine, as the Hub sends to another host.
                self.send_header("Location", f"http://localhost:{hub.server.server_port}/cdn/file")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def _send_bytes(self) -> None:
                wanted = self.headers.get("Range")
                hub.requests.append((self.command, self.path, wanted))
                start = 0 if wanted is None or hub.ignores_ranges else int(wanted[6:].split("-")[0])
                body = hub.content[start:]
                self.send_response(206 if start else 200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                limit = hub.break_after.pop(0) if hub.break_after else len(body)
                self.wfile.write(body[:limit])
                self.close_connection = True

            def log_message(self, *_: object) -> None: ...

        return Handler

    @property
    def ranges(self) -> list[str | None]:
        return [wanted for _, path, wanted in self.requests if path.startswith("/cdn/")]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    fake = FakeHub(CONTENT)
    template = fake.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr("huggingface_hub.constants.ENDPOINT", fake.url)
    # Another test may have imported the library before `download` could switch this off.
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DISABLE_TELEMETRY", True)
    monkeypatch.setattr("huggingface_hub.file_download.HUGGINGFACE_CO_URL_TEMPLATE", template, raising=False)
    monkeypatch.setattr("huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(download, "_PAUSE_S", 0)
    yield fake
    fake.server.shutdown()


class Listening(SilentReport):
    def __init__(self) -> None:
        self.steps: list[tuple[int, int | None]] = []
        self.events: list[str] = []

    def progress(self, done: int, total: int | None, failed: int = 0, unit: str = "") -> None:
        assert unit == "B"
        self.steps.append((done, total))

    def event(self, name: str, **values: object) -> None:
        self.events.append(name)


def remote_file(content: bytes = CONTENT, **changes: str) -> RemoteFile:
    known = {"repo": "openai/clip", "revision": REVISION, "file": "model.safetensors"}
    digest = hashlib.sha256(content).hexdigest()
    return RemoteFile(**{**known, "size_bytes": len(content), "sha256": digest, **changes})


def test_a_download_is_whole_checked_and_reported_in_bytes(hub: FakeHub, tmp_path: Path) -> None:
    report = Listening()
    path = fetch(remote_file(), tmp_path / "new" / "model.safetensors", report)
    assert path.read_bytes() == CONTENT
    assert report.steps[0] == (0, len(CONTENT)) and report.steps[-1] == (len(CONTENT), len(CONTENT))
    assert [p.name for p in path.parent.iterdir()] == ["model.safetensors"]
    assert hub.requests[0][0] == "HEAD", hub.requests  # size and checksum before the first byte


def test_a_broken_connection_is_resumed_where_it_broke(hub: FakeHub, tmp_path: Path) -> None:
    hub.break_after = [2_000_000, 1_000_000]
    report = Listening()
    path = fetch(remote_file(), tmp_path / "model.safetensors", report)
    assert path.read_bytes() == CONTENT
    starts = [int(wanted[6:-1]) if wanted else 0 for wanted in hub.ranges]
    assert starts[0] == 0 and len(starts) == 3 and 0 < starts[1] < starts[2] <= 3_000_000
    assert report.events.count("connection lost, trying again") == 2


def test_a_stopped_download_goes_on_at_the_next_call(hub: FakeHub, tmp_path: Path) -> None:
    class Stop(Listening):
        @property
        def stop_requested(self) -> bool:  # type: ignore[override]
            return bool(self.steps) and self.steps[-1][0] >= 1 << 19

    target = tmp_path / "model.safetensors"
    with pytest.raises(StoppedError):
        fetch(remote_file(), target, Stop())
    part = tmp_path / "model.safetensors.part"
    kept = part.stat().st_size
    assert 0 < kept < len(CONTENT) and not target.exists()
    hub.requests.clear()
    assert fetch(remote_file(), target, SilentReport()).read_bytes() == CONTENT
    assert hub.ranges == [f"bytes={kept}-"] and not part.exists()


def test_a_server_without_ranges_starts_anew(hub: FakeHub, tmp_path: Path) -> None:
    hub.ignores_ranges = True
    (tmp_path / "model.safetensors.part").write_bytes(b"old bytes")
    assert fetch(remote_file(), tmp_path / "model.safetensors", SilentReport()).read_bytes() == CONTENT


def test_wrong_bytes_are_removed(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors.part").write_bytes(b"\xff" * 1000)  # not the beginning of the file
    with pytest.raises(MismatchError, match="sha256"):
        fetch(remote_file(), tmp_path / "model.safetensors", SilentReport())
    assert list(tmp_path.iterdir()) == []


def test_another_file_on_the_hub_is_refused_before_the_first_byte(hub: FakeHub, tmp_path: Path) -> None:
    with pytest.raises(MismatchError, match="another"):
        fetch(remote_file(b"what we know"), tmp_path / "model.safetensors", SilentReport())
    assert hub.ranges == [] and list(tmp_path.iterdir()) == []


def test_a_file_that_is_already_here_needs_no_network(hub: FakeHub, tmp_path: Path) -> None:
    (tmp_path / "model.safetensors").write_bytes(CONTENT)
    fetch(remote_file(), tmp_path / "model.safetensors", SilentReport())
    assert hub.requests == []


def test_a_server_that_sends_nothing_is_given_up(hub: FakeHub, tmp_path: Path) -> None:
    hub.break_after = [0] * 20
    with pytest.raises(RemoteError, match="broke off"):
        fetch(remote_file(), tmp_path / "model.safetensors", SilentReport())


def test_a_missing_file_on_the_hub_is_not_found(hub: FakeHub, tmp_path: Path) -> None:
    hub.status = 404
    with pytest.raises(NotFoundError, match="--from"):
        fetch(remote_file(), tmp_path / "model.safetensors", SilentReport())


def test_a_server_error_names_both_ways(hub: FakeHub, tmp_path: Path) -> None:
    hub.status = 503
    with pytest.raises(RemoteError, match="--from"):
        fetch(remote_file(), tmp_path / "model.safetensors", SilentReport())


def test_a_full_disk_is_named_before_the_first_byte(
    hub: FakeHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 10})())
    with pytest.raises(GeotoolError, match="GB free"):
        fetch(remote_file(), tmp_path / "model.safetensors", SilentReport())
    assert hub.ranges == []


def run_download(home: Path, endpoint: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`python -m geotool download geoclip` as a user runs it, against an endpoint."""
    known = {**os.environ, HOME_VARIABLE: str(home), "HF_ENDPOINT": endpoint, **environment}
    command = [sys.executable, "-m", "geotool", "download", "geoclip"]
    return subprocess.run(command, cwd=PROJECT_DIR, env=known, capture_output=True, text=True, timeout=250)


@pytest.mark.slow
def test_the_command_downloads_converts_and_leaves_only_the_model(home: Path, tmp_path: Path) -> None:
    checkpoint = write_checkpoint(tmp_path / "source", "hf", random_tower().state_dict())
    fake = FakeHub(checkpoint.read_bytes())
    write_tiny_model_json(home, fake.content)
    done = run_download(home, fake.url)
    assert done.returncode == 0, done.stderr
    assert "geoclip is ready" in done.stdout
    assert "MB" in done.stderr.splitlines()[0]  # the size comes first
    assert "not the pinned file" not in done.stderr
    assert (home / "geoclip" / "weights.safetensors").is_file()
    assert not any((home / "downloads").iterdir())
    assert all(path == "/cdn/file" or path.endswith("model.safetensors") for _, path, _ in fake.requests)
    fake.server.shutdown()


@pytest.mark.slow
def test_without_network_one_sentence_names_the_file_and_both_ways(home: Path) -> None:
    done = run_download(home, "http://127.0.0.1:9")  # nobody listens there
    assert done.returncode == RemoteError.exit_code
    [message] = [line for line in done.stderr.splitlines() if line.startswith("geotool:")]
    assert "model.safetensors" in message and "--from" in message and "Traceback" not in done.stderr


@pytest.mark.slow
def test_the_offline_switch_of_the_library_is_named(home: Path) -> None:
    done = run_download(home, "http://127.0.0.1:9", HF_HUB_OFFLINE="1")
    assert done.returncode == RemoteError.exit_code and "HF_HUB_OFFLINE" in done.stderr
