"""The commands: one file, one Config, one `run(config, report)`, one line here."""

COMMANDS = {
    "locate": "say where photos were taken",
    "models": "list the models with their state, size, licence and accuracy",
    "download": "get the weights of a model, or side-load them from a folder",
    "demo-data": "cut satellite tiles with known coordinates as a data set",
    "train": "train a model on a data set of pictures with coordinates",
    "build-gallery": "encode your own points as the gallery that answers are chosen from",
    "evaluate": "measure a model on a data set with known coordinates",
    "calibrate": "fit how far to trust answers: radii and levels from an evaluation run",
    "bench": "measure speed: ours against the reference, in one process",
}


def module_name(command: str) -> str:
    """The module that implements a command."""
    return f"geotool.commands.{command.replace('-', '_')}"
