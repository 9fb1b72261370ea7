"""What the documentation says is checked: commands exist, links lead somewhere, locks pin what is wanted."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from geotool.cli import main
from geotool.commands import COMMANDS

PROJECT_DIR = Path(__file__).resolve().parents[1]
PAGES = [
    PROJECT_DIR / "README.md",
    PROJECT_DIR / "CONTRIBUTING.md",
    *sorted((PROJECT_DIR / "docs").glob("*.md")),
]
README = PAGES[0].read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_and_is_in_the_readme(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert not stop.value.code
    assert "--config" in capsys.readouterr().out
    assert re.search(rf"\b{command}\b", README)


def test_the_options_shown_in_the_readme_exist(capsys: pytest.CaptureFixture[str]) -> None:
    for line in re.findall(r"python -m geotool (\S+)([^\n#]*)", README):
        if line[0] in COMMANDS:
            with pytest.raises(SystemExit):
                main([line[0], "--help"])
            shown = capsys.readouterr().out
            assert all(flag in shown for flag in re.findall(r"--[a-z-]+", line[1])), line


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", page.read_text(encoding="utf-8")):
        assert target.startswith("https://") or (page.parent / target).exists(), target


@pytest.mark.parametrize("name", ["requirements", "requirements-dev", "requirements-ray"])
def test_every_direct_dependency_is_pinned(name: str) -> None:
    def key(line: str) -> str:
        return re.split(r"[ ;=<>\[]", line.strip())[0].lower().replace("_", "-")

    wanted = {key(x) for x in (PROJECT_DIR / f"{name}.in").read_text().splitlines() if x and x[0] not in "#-"}
    lines = (PROJECT_DIR / f"{name}.txt").read_text().splitlines()
    pinned = {key(line) for line in lines if "==" in line}
    assert wanted <= pinned
    assert all("==" in line for line in lines if line and line[0] not in "#-")


def test_a_reason_stands_beside_every_direct_dependency() -> None:
    for name in ("requirements.in", "requirements-dev.in", "requirements-ray.in"):
        for line in (PROJECT_DIR / name).read_text().splitlines():
            assert not line or line[0] in "#-" or "#" in line, line
