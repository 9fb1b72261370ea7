"""The walls of the house: import layers, islands, sizes, defaults, a light --help. Standard library only."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PROJECT_DIR = Path(__file__).resolve().parents[1]
PACKAGE_DIR = PROJECT_DIR / "geotool"
LAYERS = [
    {"core"},
    {"photos", "model", "gallery", "answer", "output", "llm"},
    {"engine", "features", "training", "evaluation", "demo", "jobs"},
    {"bench", "study", "commands"},
    {"cli", "ui"},
]
RANK = {name: rank for rank, names in enumerate(LAYERS) for name in names}
# Reaches upwards on purpose: building the shipped model runs the commands one after the other.
BUILD_SCRIPTS = {"demo/build.py"}
FORBIDDEN_IN_UI = {"torch", "numpy", "PIL", "pandas", "open_clip", "folium"}
VAGUE_NAMES = {"utils", "util", "common", "helpers", "helper", "manager", "misc"}
FUNCTION_LINES, FILE_LINES = 50, 400


def modules() -> Iterator[tuple[str, ast.Module, str]]:
    for path in sorted(PACKAGE_DIR.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        yield path.relative_to(PACKAGE_DIR).as_posix(), ast.parse(text), text


MODULES = list(modules())


def imports(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def room(module: str) -> str:
    return module.split("/")[0].removesuffix(".py")


def test_imports_point_down() -> None:
    wrong = []
    for module, tree, _ in MODULES:
        if module in {"__init__.py", "__main__.py", *BUILD_SCRIPTS}:
            continue
        for name in imports(tree):
            top, _, rest = name.partition(".")
            target = rest.split(".")[0]
            if top == "geotool" and target != room(module) and RANK[target] > RANK[room(module)]:
                wrong.append(f"{module} imports {name}")
            if top == "geotool" and {target, room(module)} == {"cli", "ui"}:
                wrong.append(f"{module} imports {name}")
    assert wrong == []


def test_gradio_and_folium_have_one_home() -> None:
    for module, tree, _ in MODULES:
        tops = {name.split(".")[0] for name in imports(tree)}
        assert "gradio" not in tops or module.startswith("ui/"), module
        assert "folium" not in tops or module.startswith("output/map"), module
        assert not module.startswith("ui/") or not tops & FORBIDDEN_IN_UI, module


def test_functions_and_files_stay_small() -> None:
    too_long = []
    for module, tree, text in MODULES:
        if len(text.splitlines()) > FILE_LINES:
            too_long.append(module)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                lines = (node.end_lineno or 0) - node.lineno + 1
                if lines > FUNCTION_LINES:
                    too_long.append(f"{module}:{node.lineno} {node.name} has {lines} lines")
    assert too_long == []


def test_a_default_is_stated_once() -> None:
    """A Config field's default may not be stated again, with another value, by a function.

    Two Configs may share a name (`seed`); what a class takes to be built is its own matter.
    """
    fields = {name: _value(value) for _, tree, _ in MODULES for name, value in _field_defaults(tree)}
    drifting = [
        f"{module}: {function.name}({name}={ast.unparse(value)})"
        for module, tree, _ in MODULES
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef) and function.name != "__init__"
        for name, value in _argument_defaults(function)
        if fields.get(name) is not None and _value(value) not in (None, fields[name])
    ]
    assert drifting == []


def _field_defaults(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef) and node.name.endswith("Config"):
            for field in node.body:
                if (
                    isinstance(field, ast.AnnAssign)
                    and isinstance(field.value, ast.Call)
                    and field.value.args
                ):
                    yield ast.unparse(field.target), field.value.args[0]


def _argument_defaults(function: ast.FunctionDef) -> Iterator[tuple[str, ast.expr]]:
    arguments = function.args
    positional = arguments.args[len(arguments.args) - len(arguments.defaults) :]
    yield from ((a.arg, d) for a, d in zip(positional, arguments.defaults, strict=True))
    keyword = zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    yield from ((a.arg, d) for a, d in keyword if d is not None)


def _value(default: ast.expr) -> str | None:
    """Literal defaults by their value; names (constants) are one place by themselves; None is no value."""
    try:
        value = ast.literal_eval(default)
    except ValueError:
        return ast.unparse(default)
    return None if value is None else repr(value)


def test_names_say_what_they_own() -> None:
    for module, _, _ in MODULES:
        parts = {part.removesuffix(".py") for part in module.split("/")}
        assert not parts & VAGUE_NAMES, module


def test_broad_excepts_are_the_allowed_two() -> None:
    broad = [
        module
        for module, tree, _ in MODULES
        for node in ast.walk(tree)
        if isinstance(node, ast.ExceptHandler)
        and (
            node.type is None
            or (isinstance(node.type, ast.Name) and node.type.id in {"Exception", "BaseException"})
        )
    ]
    assert sorted(broad) == ["cli.py", "engine.py"]


def test_no_pickle_and_no_eval() -> None:
    for module, tree, _ in MODULES:
        found = set(imports(tree)) - {"pickle.UnpicklingError"}  # to refuse a file that torch refuses
        assert not {"pickle", "joblib", "dill"} & {name.split(".")[0] for name in found}, module
        for node in ast.walk(tree):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                assert node.func.id not in {"eval", "exec"}, module
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                assert any(k.arg == "weights_only" for k in node.keywords), module


@pytest.mark.parametrize("arguments", [["--help"], ["locate", "--help"], ["evaluate", "--help"]])
def test_help_is_light_and_writes_nothing(arguments: list[str], tmp_path: Path) -> None:
    code = (
        "import sys, runpy\n"
        f"sys.argv = ['geotool', *{arguments!r}]\n"
        "try: runpy.run_module('geotool', run_name='__main__')\n"
        "except SystemExit as stop: assert not stop.code, stop.code\n"
        "heavy = {'torch', 'gradio', 'folium', 'open_clip', 'pandas', 'transformers'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    environment = {"PYTHONPATH": str(PROJECT_DIR), "GEOTOOL_HOME": str(tmp_path / "home"), "PATH": ""}
    done = subprocess.run([sys.executable, "-c", code], env=environment, cwd=tmp_path, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert list(tmp_path.iterdir()) == []


def test_app_is_a_door_not_a_room() -> None:
    assert len((PROJECT_DIR / "app.py").read_text().splitlines()) <= 40
