"""Put first on PYTHONPATH of the processes of jobs: they know the command that only the tests have."""

from pathlib import Path

import geotool.commands

geotool.commands.COMMANDS["sleepy"] = "do as little as a test needs"
geotool.commands.__path__.append(str(Path(__file__).parent / "commands"))
