"""Write requirements*.txt from requirements*.in for every platform; `--check` fails when they are stale."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

PROJECT_DIR = Path(__file__).resolve().parents[1]
LOCKS = ("requirements", "requirements-dev", "requirements-ray")


def compile_lock(name: str, target: Path) -> None:
    """Resolve `name`.in into `target`; versions that `target` already pins are kept."""
    command = [
        sys.executable, "-m", "uv", "pip", "compile", "--quiet", "--universal", "--python-version", "3.11",
        "--no-header", "--annotation-style", "line", f"{name}.in", "--output-file", str(target),
    ]  # fmt: skip
    if name != "requirements":
        command += ["--constraint", "requirements.txt"]
    subprocess.run(command, cwd=PROJECT_DIR, check=True)


def is_stale(name: str) -> bool:
    """True when compiling again over a copy of the lock changes it."""
    lock = PROJECT_DIR / f"{name}.txt"
    with tempfile.TemporaryDirectory() as folder:
        again = Path(shutil.copy(lock, folder))
        compile_lock(name, again)
        return again.read_text() != lock.read_text()


def main() -> int:
    if "--check" not in sys.argv:
        for name in LOCKS:
            compile_lock(name, PROJECT_DIR / f"{name}.txt")
        return 0
    stale = [name for name in LOCKS if is_stale(name)]
    if stale:
        print(f"Stale: {', '.join(f'{name}.txt' for name in stale)}. Run `make lock` and commit the result.")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
