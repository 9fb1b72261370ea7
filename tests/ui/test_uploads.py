from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest

from geotool.core.errors import UsageError
from geotool.ui.uploads import own_file, private_folder, uploads_dir


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.mark.skipif(os.name != "posix", reason="folder modes are a matter of POSIX")
def test_only_the_owner_may_read_the_folder() -> None:
    with private_folder(7860) as folder:
        assert folder.stat().st_mode & 0o777 == 0o700
        assert folder.parent.stat().st_mode & 0o777 == 0o700


def test_it_is_empty_at_the_start_and_gone_at_the_end() -> None:
    (uploads_dir() / "7860").mkdir(parents=True)
    (uploads_dir() / "7860" / "left.jpg").write_bytes(b"x")
    with private_folder(7860) as folder:
        assert list(folder.iterdir()) == []
        (folder / "a.jpg").write_bytes(b"x")
    assert not folder.exists()


def test_a_folder_that_another_window_is_still_emptying_is_no_obstacle() -> None:
    leftover = uploads_dir() / "7860-gone-0123abcd"
    leftover.mkdir(parents=True)
    with private_folder(7860) as folder:
        assert not leftover.exists()
        folder.rename(folder.with_name("7860-gone-4567cdef"))  # as a closing window does
    with private_folder(7860) as folder:
        assert list(uploads_dir().iterdir()) == [folder]


def test_folders_of_dead_windows_go_and_those_of_living_ones_stay() -> None:
    with socket.socket() as living:
        living.bind(("127.0.0.1", 0))
        living.listen()
        port = living.getsockname()[1]
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            dead = probe.getsockname()[1]
        for name in (port, dead):
            (uploads_dir() / str(name)).mkdir(parents=True)
        with private_folder(7860):
            assert (uploads_dir() / str(port)).is_dir()
            assert not (uploads_dir() / str(dead)).exists()


def test_only_files_inside_are_our_own(tmp_path: Path) -> None:
    outside = tmp_path / "secret.txt"
    outside.write_text("x")
    with private_folder(7860) as folder:
        inside = folder / "a.jpg"
        inside.write_bytes(b"x")
        (folder / "link.jpg").symlink_to(outside)
        assert own_file(str(inside), folder) == inside.resolve()
        for path in (outside, folder / "link.jpg", folder / ".." / "b.jpg", folder, folder / "missing.jpg"):
            with pytest.raises(UsageError, match="dropped"):
                own_file(str(path), folder)
