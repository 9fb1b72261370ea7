"""The commands: one file, one Config, one `run(config, report)`, one line here."""

COMMANDS = {
    "locate": "say where photos were taken",
    "models": "list the models with their state, size, licence and accuracy",
    "download": "get the weights of a model, or side-load them from a folder",
    "demo-data": "cut satellite tiles with known coordinates as a data set",
    "precompute": "run the image tower over a data set once and keep its features",
    "train-tower": "train a small image tower from pixels on pictures with coordinates",
    "train": "train a model on features that precompute wrote",
    "study": "compare ways to train on features over several seeds, on tiles of the world image",
    "features": "look at a feature store: what it holds, and whether it is sound",
    "build-gallery": "encode your own points as the gallery that answers are chosen from",
    "evaluate": "measure a model on a data set with known coordinates",
    "compare": "compare two evaluation runs photo by photo, with paired intervals",
    "calibrate": "fit how far to trust answers: radii and levels from an evaluation run",
    "region-model": "make a model of your own region from your own photos: a chain of jobs",
    "classroom": "make a small model from satellite tiles, as a demonstration: a chain of jobs",
    "jobs": "run commands in the background: list, start, stop, follow, rerun, resume, delete, move",
    "bench": "measure speed: ours against the reference, in one process",
}


def module_name(command: str) -> str:
    """The module that implements a command."""
    return f"geotool.commands.{command.replace('-', '_')}"
