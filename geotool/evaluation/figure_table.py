"""The figures of a run as a table to read in a terminal."""

from __future__ import annotations

from typing import Any

_TITLES = {
    "chance": "by chance",
    "gallery_ceiling": "nearest gallery point",
    "first_candidate": "first candidate",
    "vote": "answer",
}
_WIDTH = 22
_SHOWN_SLICES = 8


def to_table(result: dict[str, Any]) -> str:
    """What `evaluate` says, but for the coverage: counts, systems, continents, doubtful photos."""
    lines = [f"model     {result['model']['name']}"]
    lines.append(
        f"photos    {result['n']}, failed {result['failed']}, unknown {result['unknown']}, "
        f"without a usable truth {result['rows_without_truth']}"
    )
    lines += ["", *_list_systems(result), "", *_list_intervals(result)]
    if result["slices"].get("continent"):
        lines += ["", *_list_slices("continent", result["slices"]["continent"])]
    return "\n".join([*lines, *_list_doubts(result["hygiene"])])


def format_km(value_km: float | None) -> str:
    """A distance, or a dash where half of the photos have no answer."""
    return "-" if value_km is None else f"{value_km:,.4g} km" if value_km < 1000 else f"{value_km:,.0f} km"


def _list_systems(result: dict[str, Any]) -> list[str]:
    thresholds = list(result["within_km"])
    lines = [_row("percent within km", thresholds, "median", "GeoScore")]
    for name, figures in result["baselines"].items():
        if figures is not None:
            lines.append(_figures_row(_TITLES[name], figures))
    if result["baselines"]["chance"] is None:
        lines.append("No gallery is known, so neither chance nor the nearest point: name one with --gallery.")
    return lines


def _list_intervals(result: dict[str, Any]) -> list[str]:
    drawn = result["bootstrap"]
    by = f"{drawn['groups']} authors" if drawn["by"] == "author" else "photos"
    lines = [
        f"answer, N = {result['n']}, 95 % intervals by a bootstrap over {by}; {result['vote_km']:g} km vote"
    ]
    for km, percent in result["within_km"].items():
        low, high = result["intervals95"][km]
        lines.append(f"  <= {km:>4} km  {percent:5.2f} %  ({low:.1f} to {high:.1f})")
    for name, form in (("median", format_km), ("mean", format_km), ("geoscore", "{:.0f}".format)):
        value = result["geoscore" if name == "geoscore" else f"{name}_km"]
        ends = result[f"{name}_interval95"]
        if value is None:
            lines.append(
                f"  {name:<10}  none: half of the photos have no answer"
                if name == "median"
                else f"  {name:<10}  none"
            )
        else:
            low, high = ("-" if end is None else form(end) for end in ends)
            lines.append(f"  {name:<10}  {form(value)}  ({low} to {high})")
    return lines


def _list_slices(name: str, groups: list[dict[str, Any]]) -> list[str]:
    thresholds = list(groups[0]["within_km"])
    lines = [_row(f"by {name}", thresholds, "median", "GeoScore", "n")]
    return lines + [_figures_row(group["value"], group, group["n"]) for group in groups[:_SHOWN_SLICES]]


def _list_doubts(hygiene: dict[str, Any]) -> list[str]:
    """The checks that found something."""
    words = {
        "is_same_content": "with the content of another one",
        "is_placeholder": "whose content comes up many times: perhaps no photos",
        "is_same_location": "with exactly the coordinates of another one",
        "leak_content": "that are in the training features",
        "leak_author": "by authors of the training features",
        "leak_location": "with exactly the coordinates of a training photo",
    }
    found = [
        (hygiene[name]["photos"], text) for name, text in words.items() if hygiene.get(name, {}).get("photos")
    ]
    return ["", *(f"{count} photos {text}" for count, text in found)] if found else []


def _figures_row(title: str, figures: dict[str, Any], n: int | None = None) -> str:
    values = [f"{percent:.2f}" for percent in figures["within_km"].values()]
    last = [] if n is None else [str(n)]
    return _row(title, values, format_km(figures["median_km"]), f"{figures['geoscore']:.0f}", *last)


def _row(title: str, values: list[str], median: str, score: str, n: str = "") -> str:
    cells = "".join(f"{value:>8}" for value in values)
    return f"{title[:_WIDTH]:<{_WIDTH}}{cells}{median:>12}{score:>10}{n:>8}".rstrip()
