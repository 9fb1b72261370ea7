from __future__ import annotations

import hashlib
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from geotool.commands.models import delete_model
from geotool.core.errors import UsageError
from geotool.ui.model_host import ModelHost
from geotool.ui.tabs.models import ModelsTab
from tests.fakes import FakeEngine, FakeInfo


def trained(home: Path, name: str = "mine") -> FakeInfo:
    folder = home / name
    folder.mkdir(parents=True)
    (folder / "weights.bin").write_bytes(b"weights")
    spec = {
        "image_tower": {"kind": "tile_tower"},
        "gallery": {"coordinates": "points.npy"},
        "weights": {"file": "weights.bin", "sha256": hashlib.sha256(b"weights").hexdigest()},
    }
    import numpy as np

    np.save(folder / "points.npy", np.zeros((7, 2), np.float32))
    info = FakeInfo(name=name, title="Mine", folder=folder, spec=spec)
    info.is_ready = True
    return info


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOTOOL_HOME", str(tmp_path / "home"))
    return (tmp_path / "home").resolve()


def make_tab(*models: FakeInfo) -> ModelsTab:
    host = ModelHost(lambda name, report: FakeEngine())
    with gr.Blocks():
        return ModelsTab(
            host, lambda: [info for info in models if info.folder.exists() or info.name == "far"]
        )


def card(tab: ModelsTab, name: str) -> dict[str, Any]:
    return next(each for each in tab.value()["cards"] if each["name"] == name)


def event(**values: Any) -> Any:
    return SimpleNamespace(**values)


def test_a_card_says_what_a_model_is(home: Path) -> None:
    shown = card(make_tab(trained(home)), "mine")
    facts = dict(shown["facts"])
    assert facts["Answers from"] == "7 points"
    assert facts["Licence"] == "MIT" and facts["Fingerprint"]
    assert shown["accuracy"] == ["not measured here"]
    assert (shown["can_use"], shown["can_verify"], shown["get"]) == (True, True, "")
    assert shown["remove"].startswith("Delete Mine?")


def test_a_model_to_fetch_offers_just_that() -> None:
    far = FakeInfo(name="far", title="Far", state="not downloaded", download_mb=1710.0)
    shown = card(make_tab(far), "far")
    assert shown["get"] == "Download Far (1.7 GB)"
    assert (shown["can_use"], shown["can_verify"], shown["remove"]) == (False, False, "")


def test_deleting_a_model_removes_it_and_what_was_made_from_it(home: Path) -> None:
    tab = make_tab(trained(home))
    gallery = home / "galleries" / "mine"
    gallery.mkdir(parents=True)
    value = tab.remove(event(name="mine"))
    assert "Mine is deleted" in value["notice"]
    assert value["cards"] == []
    assert not gallery.exists()


def test_the_model_in_use_stays(home: Path) -> None:
    tab = make_tab(trained(home))
    tab.host.start("mine")
    tab.host.wait(10)
    engine = tab.host.state().engine
    assert engine is not None
    engine.info = replace(engine.info, name="mine")
    assert card(tab, "mine")["remove"] == ""
    assert "in use" in tab.remove(event(name="mine"))["notice"]
    assert (home / "mine").is_dir()


def test_what_lies_elsewhere_is_never_deleted(home: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="neither downloaded nor trained"):
        delete_model(trained(tmp_path / "shipped"))


def test_verify_finds_a_changed_file(home: Path) -> None:
    info = trained(home)
    tab = make_tab(info)
    assert verified(tab)["phase"] == "done"
    (info.folder / "weights.bin").write_bytes(b"weighty")
    work = verified(tab)
    assert work["phase"] == "failed" and "damaged" in work["words"]


def verified(tab: ModelsTab) -> dict[str, Any]:
    tab.verify(event(name="mine"))
    while (work := tab.value()["work"])["phase"] == "running":
        time.sleep(0.02)
    return work


def test_side_loading_asks_for_a_path() -> None:
    far = FakeInfo(name="far", state="not downloaded", download_mb=1710.0)
    assert "Type the path" in make_tab(far).side_load(event(name="far", path=" "))["notice"]


def test_what_may_leave_is_listed() -> None:
    leaves = make_tab().value()["leaves"]
    assert any("huggingface.co" in line for line in leaves)
