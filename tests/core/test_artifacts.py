from pathlib import Path

import pytest

from geotool.core.artifacts import check_inputs, clear_replacement, new_artifact, read_meta
from geotool.core.errors import MismatchError, NotFoundError


def write(folder: Path, text: str, source: str = "a") -> None:
    with new_artifact(folder, "thing", 1, {"source": source}, {}) as temporary:
        (temporary / "data.txt").write_text(text)


def test_what_was_written_says_how_it_was_made(tmp_path: Path) -> None:
    write(tmp_path / "thing", "one")
    meta = read_meta(tmp_path / "thing", "thing", 1, "")
    assert meta.inputs == {"source": "a"} and len(meta.fingerprint) == 16


def test_equal_content_has_an_equal_fingerprint(tmp_path: Path) -> None:
    for name, text in [("a", "one"), ("b", "one"), ("c", "two")]:
        write(tmp_path / name, text)
    a, b, c = (read_meta(tmp_path / name, "thing", 1, "").fingerprint for name in "abc")
    assert a == b != c


def test_a_failure_keeps_the_old_artefact(tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    write(folder, "old")
    with pytest.raises(OSError), new_artifact(folder, "thing", 1, {}, {}) as temporary:
        (temporary / "data.txt").write_text("new")
        raise OSError("disk full")
    assert (folder / "data.txt").read_text() == "old"
    assert list(tmp_path.iterdir()) == [folder]


def test_a_new_artefact_replaces_the_old_one(tmp_path: Path) -> None:
    folder = tmp_path / "thing"
    write(folder, "old")
    write(folder, "new")
    assert (folder / "data.txt").read_text() == "new"
    assert list(tmp_path.iterdir()) == [folder]


def test_other_inputs_are_refused_with_both_named(tmp_path: Path) -> None:
    write(tmp_path / "thing", "one", source="a")
    meta = read_meta(tmp_path / "thing", "thing", 1, "")
    with pytest.raises(MismatchError, match=r"source a.*but b"):
        check_inputs(meta, tmp_path / "thing", {"source": "b"}, "Make it again.")


def test_missing_foreign_and_broken_artefacts_are_refused(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match="Make it"):
        read_meta(tmp_path / "thing", "thing", 1, "Make it with make-thing.")
    write(tmp_path / "thing", "one")
    with pytest.raises(MismatchError):
        read_meta(tmp_path / "thing", "gallery", 1, "")
    (tmp_path / "thing" / "meta.json").write_text("{")
    with pytest.raises(MismatchError):
        read_meta(tmp_path / "thing", "thing", 1, "")


def test_a_killed_replacement_is_put_right(tmp_path: Path) -> None:
    for name in (".thing-old-1/was", ".thing-old-2", ".thing-old-b-unfinished"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".thing-old-1/was/data.txt").write_text("old")
    (tmp_path / ".thing-old-b-unfinished/state.json").write_text("of the artefact thing-old-b")
    clear_replacement(tmp_path / "thing")  # the new one did not get there: the old one is back
    assert (tmp_path / "thing" / "data.txt").read_text() == "old"
    (tmp_path / ".thing-old-3/was").mkdir(parents=True)
    clear_replacement(tmp_path / "thing")  # the new one is there
    assert (tmp_path / "thing" / "data.txt").read_text() == "old"
    assert {entry.name for entry in tmp_path.iterdir()} == {"thing", ".thing-old-b-unfinished"}
