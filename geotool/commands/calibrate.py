"""Fit how far to trust a model's answers: radii that hold the truth for 50 and 80 of 100 photos."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from geotool.core.config import option
from geotool.core.errors import UsageError
from geotool.core.report import Report

if TYPE_CHECKING:
    from geotool.answer.calibration import Calibration


@dataclass(frozen=True, kw_only=True)
class Config:
    """Settings of `calibrate`."""

    run: Path = option(help="folder of an evaluation run", positional=True)
    out: Path = option(help="calibration to write; a model uses the calibration.json beside its model.json")
    groups: Path | None = option(
        None, help="CSV with IMG_ID and AUTHOR: photos of one author are kept together (default: none are)"
    )
    model: str | None = option(
        None, help="the model that gave the answers, where they come from a table of another program"
    )
    seed: int = option(0, help="of the random halves", min=0)
    format: Literal["table", "json"] = option("table", help="output")


def run(config: Config, report: Report) -> None:
    """Fit, write the calibration, and say how it held on photos that it was not fitted on."""
    calibration = _fit(config)
    calibration.write(config.out)
    report.event("calibration written", file=config.out)
    facts = {"model": calibration.model, "fingerprint": calibration.fingerprint, **calibration.facts}
    print(json.dumps(facts) if config.format == "json" else _to_table(calibration))


def _fit(config: Config) -> Calibration:
    from geotool.answer.fit_calibration import fit_calibration
    from geotool.core.artifacts import read_meta
    from geotool.evaluation.run import KIND, RESULT_FILE, SCHEMA
    from geotool.evaluation.scored_answers import read_scored

    meta = read_meta(config.run, KIND, SCHEMA, "Make one: python -m geotool evaluate DATA.")
    system = json.loads((config.run / RESULT_FILE).read_text(encoding="utf-8"))["model"]
    fingerprint: str | None = system["fingerprint"].partition("-")[0]  # the rest is the gallery's
    if "model" not in meta.inputs:  # a table that another program wrote
        if config.model is None:
            raise UsageError(
                "--model is missing.", "The answers of this run come from a table: say of which model."
            )
        system["name"], fingerprint = config.model, None
    elif config.model not in (None, system["name"]):
        raise UsageError(f"--model is {config.model}, but the run is of {system['name']}.", "Leave it out.")
    return fit_calibration(
        read_scored(config.run, config.groups), model=system["name"], model_fingerprint=fingerprint,
        source={"run": meta.fingerprint, **meta.inputs}, seed=config.seed,
    )  # fmt: skip


def _to_table(calibration: Calibration) -> str:
    facts = calibration.facts
    lines = [f"model     {calibration.model}, {facts['n']} answers of {facts['groups']} groups"]
    lines.append("level      answers   50 % radius    80 % radius")
    for each in calibration.every_bin:
        lines.append(
            f"{each.level:<10} {each.n:>7} {each.radius50_km:>10.3g} km {each.radius80_km:>11.3g} km"
        )
    held: dict[str, Any] = facts["held_out"]
    for name, words in (("coverage50", "in the 50 % radius"), ("coverage80", "in the 80 % radius")):
        lines.append(f"held out  {held[name]['mean']:.1f} % {words} (spread {held[name]['sd']:.1f})")
    if held["auroc_25km"]:
        lines.append(f"          AUROC {held['auroc_25km']['mean']:.3f} for within 25 km")
    return "\n".join(lines)
