"""`ppolab study`: where a finished reward model can be trusted."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

import tyro
from rich.console import Console
from rich.table import Table

from ppolab.cli.options import default_home, parse
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError, StorageError

EXAMPLE = "ppolab study reward-model-austen-20260101-120000-1a2b"


@dataclass(frozen=True)
class StudyOptions:
    """Show the study that a finished reward model has left in its run's folder.

    Its accuracy by kind of pair and on another policy's answers, whether it is as sure as it is
    right, whether its order is the judge's, what small edits do to its scores, and whether an
    ensemble disagrees where it errs. docs/reward-study.md says how to read it.
    """

    run: Annotated[str | None, tyro.conf.Positional] = None
    """The run of a reward model: its id, as `ppolab runs` shows it, or its folder."""
    home: Path = field(default_factory=default_home)
    """Folder of runs and progress; PPOLAB_HOME sets it as well."""
    json: bool = False
    """Print one JSON object on the last line of standard output."""


def run(arguments: list[str], output: Output) -> int:
    """Show a study as tables."""
    options = parse(StudyOptions, "study", arguments, EXAMPLE)
    if options.run is None:
        raise InvalidSettingError("run", None, "is missing", "Give an id from `ppolab runs`")
    study = _study(_folder(options.run, options.home))
    console = output.console
    _show_slices(console, study)
    _show_reliability(console, study)
    _show_edits(console, study)
    console.print(
        f"Order beside the judge's: Spearman {_number(study['spearman'])}, "
        f"Kendall {_number(study['kendall'])}"
    )
    console.print(
        f"Disagreement of an ensemble: {_number(study['spread_when_right'])} where it is right, "
        f"{_number(study['spread_when_wrong'])} where it is wrong"
    )
    output.result({"run": options.run, "study": study})
    return 0


def _folder(named: str, home: Path) -> Path:
    """The folder of a run by its path or id."""
    from ppolab.runs import Runs

    return Path(named) if Path(named).is_dir() else Runs(home / "runs").get(named).path


def _study(folder: Path) -> dict[str, Any]:
    """What stands in the folder.

    Raises:
        StorageError: there is no study, or it cannot be read.
    """
    from ppolab.language.reward_keeping import STUDY_NAME

    try:
        study: dict[str, Any] = json.loads((folder / STUDY_NAME).read_text("utf-8"))
    except FileNotFoundError as error:
        raise StorageError(
            "run", str(folder), f"holds no {STUDY_NAME}",
            "Give the run of a reward model that has finished on two or more held-out pairs",
        ) from error  # fmt: skip
    except (OSError, ValueError) as error:
        raise StorageError(
            "run", str(folder), f"holds no readable {STUDY_NAME} ({error})",
            "Train the reward model again: ppolab rlhf --stage reward-model --sft RUN",
        ) from error  # fmt: skip
    return study


def _show_slices(console: Console, study: dict[str, Any]) -> None:
    table = _table("pairs", "number", "in the raters' order")
    for part in (*study["slices"], *([study["shifted"]] if study["shifted"] else [])):
        table.add_row(part["name"], f"{part['pairs']:,}", _share(part["accuracy"]))
    console.print(table)


def _show_reliability(console: Console, study: dict[str, Any]) -> None:
    table = _table("as sure as", "pairs", "right")
    for claimed, happened, count in zip(
        study["claimed"], study["happened"], study["counts"], strict=True
    ):
        table.add_row(_share(claimed), f"{count:,}", _share(happened))
    console.print(table)


def _show_edits(console: Console, study: dict[str, Any]) -> None:
    table = _table("edit of the answer", "answers", "score moves, deviations", "order changes")
    for edit in study["edits"]:
        table.add_row(
            edit["name"], f"{edit['answers']:,}", _number(edit["moved"]), _share(edit["flipped"])
        )
    console.print(table)


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False)
    for place, heading in enumerate(headings):
        table.add_column(heading, justify="right" if place else "left")
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"
