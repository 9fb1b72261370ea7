"""The guard in front of the real Gradio page, by requests that a hostile page or person could make."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from geotool.ui.security import check_records
from geotool.ui.server import build_server
from geotool.ui.shell import build_app
from tests.fakes import FakeEngine, FakeInfo

ADDRESS = "http://127.0.0.1:7860"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("uploads")


@pytest.fixture(scope="module")
def client(folder: Path) -> Iterator[TestClient]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GRADIO_TEMP_DIR", str(folder))
        patch.setenv("GRADIO_ANALYTICS_ENABLED", "False")
        shell = build_app(lambda name, report: FakeEngine(), folder, list_models=lambda: [FakeInfo()])
        with TestClient(build_server(shell, folder), base_url=ADDRESS) as client:
            yield client


def test_the_page_and_its_headers(client: TestClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert "connect-src 'self'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "[::", "192.168.1.4:7860"])
def test_a_foreign_host_name_is_refused(client: TestClient, host: str) -> None:
    assert client.get("/", headers={"host": host}).status_code == 400


@pytest.mark.parametrize("origin", ["https://evil.example", "http://127.0.0.1:9999", "null"])
def test_a_foreign_origin_cannot_upload_or_ask(client: TestClient, folder: Path, origin: str) -> None:
    upload = client.post("/gradio_api/upload", files={"files": ("a.jpg", b"x")}, headers={"origin": origin})
    assert upload.status_code == 403
    assert not list(folder.rglob("a.jpg"))
    assert client.get("/config", headers={"origin": origin}).status_code == 403


def test_a_request_started_by_another_site_is_refused(client: TestClient) -> None:
    assert client.get("/config", headers={"sec-fetch-site": "cross-site"}).status_code == 403
    navigate = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert client.get("/", headers=navigate).status_code == 200  # a link to the window is harmless


def test_the_sandboxed_frame_may_read_the_public_files(client: TestClient) -> None:
    for path in ("/vendor/leaflet/leaflet.js", "/vendor/basemap/cities.json", "/vendor/map/map.js"):
        answer = client.get(path, headers={"origin": "null", "sec-fetch-site": "cross-site"})
        assert answer.status_code == 200
        assert answer.headers["access-control-allow-origin"] == "*"


@pytest.mark.parametrize(
    "path",
    [
        "/gradio_api/file=/etc/passwd",
        "/gradio_api/file=../../../../etc/passwd",
        "/gradio_api/file=https://example.org/a.png",
        "/gradio_api/file=http://169.254.169.254/",
        "/gradio_api/file%3D/etc/passwd",
        "/gradio_api/file/etc/passwd",
        "/gradio_api/proxy=https://example.org/",
        "/vendor/basemap/../../../app.py",
        "/vendor/basemap/%2e%2e/%2e%2e/app.py",
        "/docs", "/openapi.json", "/gradio_api/openapi.json", "/monitoring/summary",
    ],
)  # fmt: skip
def test_no_file_and_no_address_can_be_reached(client: TestClient, path: str) -> None:
    assert client.get(path).status_code in (400, 403, 404)


def test_an_uploaded_file_can_be_read_back(client: TestClient) -> None:
    headers = {"origin": ADDRESS}
    upload = client.post("/gradio_api/upload", files={"files": ("a.jpg", b"abc")}, headers=headers)
    [path] = upload.json()
    assert client.get(f"/gradio_api/file={path}").content == b"abc"


@pytest.mark.parametrize(
    "record",
    [
        {"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}},
        {"path": "https://example.org/a.png", "meta": {"_type": "gradio.FileData"}},
        {"url": "https://example.org/a.png"},
        {"url": "//example.org/a.png"},
        {"url": "file:///etc/passwd"},
    ],
)
def test_a_record_of_a_foreign_file_never_reaches_gradio(client: TestClient, record: dict) -> None:
    event = {"data": [{"deep": [record]}], "fn_index": 0, "session_hash": "x"}
    for path in ("/gradio_api/queue/join", "/gradio_api/run/predict", "/gradio_api/call/x"):
        assert client.post(path, json=event).status_code == 403


def test_a_message_may_not_be_endless(client: TestClient) -> None:
    answer = client.post("/gradio_api/queue/join", content=b'{"data": "' + b"x" * 5_000_000 + b'"}')
    assert answer.status_code == 413


def test_our_own_records_pass(folder: Path) -> None:
    own = folder / "mine.jpg"
    own.write_bytes(b"x")
    check_records({"data": [{"path": str(own), "url": "/gradio_api/file=mine.jpg"}, None, "text"]}, folder)
