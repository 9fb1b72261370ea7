from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from geotool.core.errors import UsageError
from geotool.ui import server


def test_another_address_than_this_machine_is_refused() -> None:
    with pytest.raises(UsageError, match=r"0\.0\.0\.0"):
        server.run(server.Config(host="0.0.0.0"))


def test_the_port_is_on_loopback_and_takes_connections_at_once() -> None:
    with server.listen(None) as listener:
        address = listener.getsockname()
        assert address[0] == "127.0.0.1"
        socket.create_connection(address, 2).close()


def test_a_taken_default_port_gives_a_free_one() -> None:
    with server.listen(None) as first, server.listen(None) as second:
        assert first.getsockname()[1] != second.getsockname()[1]


def test_a_taken_port_that_was_asked_for_is_an_error() -> None:
    with server.listen(None) as taken, pytest.raises(UsageError, match="in use"):
        server.listen(taken.getsockname()[1])


def test_the_environment_says_nothing_to_anybody(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GRADIO_ANALYTICS_ENABLED", "GRADIO_TEMP_DIR", "HF_HUB_DISABLE_TELEMETRY"):
        monkeypatch.setenv(name, "before")
    monkeypatch.setenv("NO_PROXY", "intranet")
    monkeypatch.setenv("no_proxy", "")
    server.prepare_environment(tmp_path)
    assert os.environ["GRADIO_ANALYTICS_ENABLED"] == "False"
    assert os.environ["GRADIO_TEMP_DIR"] == str(tmp_path)
    assert os.environ["NO_PROXY"] == "intranet,127.0.0.1,localhost"
    assert os.environ["no_proxy"] == "127.0.0.1,localhost"
