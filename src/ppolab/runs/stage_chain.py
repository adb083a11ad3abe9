"""Stages of RLHF as runs that follow one another: what came before a run, and what comes next.

A run keeps the settings of the stages that are to follow it in its manifest (`then`). Where it
went on from stands in its own settings, as folders; so that runs begun in a terminal, one at a
time, are a chain as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppolab.errors import ConflictError, InvalidSettingError
from ppolab.language.custom_rewards import weighted_names
from ppolab.language.pipeline import STAGES, AnyStage, going_on, stages_of
from ppolab.language.presets import RecipePreset
from ppolab.language.recipe import options_of, recipe_from_mapping, words_of
from ppolab.language.stage_settings import stage_from_mapping
from ppolab.language.tasks import task_named
from ppolab.runs.folder import RunFolder
from ppolab.runs.registry import Runs

# What would choose code, files or models of this machine; a request must not.
LOCAL_OPTIONS = ("model", "reward", "prompts", "pairs_file")


def stage_words(kind: str, config: Mapping[str, Any]) -> str:
    """What a run's stage is called."""
    return words_of(kind, str(config["training"].get("algorithm", "")))


def create_chain(
    runs: Runs,
    preset: RecipePreset,
    overrides: Mapping[str, Any],
    after: RunFolder | None = None,
    title: str | None = None,
) -> RunFolder:
    """Create the run of a preset's first stage, which names those that are to follow.

    Args:
        runs: where it is kept.
        preset: the recipe.
        overrides: options to change, by name.
        after: a finished stage to go on from; its stages are not done again.
        title: for people; by default the stage and its task.

    Raises:
        UnknownNameError, InvalidSettingError: an option that cannot be used.
        ConflictError: the stage to go on from has not finished, or is of another task.
    """
    for name in overrides:
        if str(name).replace("-", "_") in LOCAL_OPTIONS:
            raise InvalidSettingError(
                name, overrides[name], "names code or files, which a request may not choose",
                f"Do it in the terminal: ppolab rlhf --{str(name).replace('_', '-')}",
            )  # fmt: skip
    recipe = recipe_from_mapping({**options_of(preset.recipe), **overrides})
    stages = stages_of(recipe, preset.settings)
    before: dict[str, Path] = {}
    if after is not None:
        _require_use(after, recipe.task, stages)
        before = stages_before(runs, after)
        stages = {kind: stage for kind, stage in stages.items() if kind not in before}
    first, *rest = stages.values()
    then = [{"kind": stage.kind, "config": stage.to_mapping()} for stage in rest]
    return _create(runs, going_on(first, before), preset.name, then, title)


def begin_next(runs: Runs, folder: RunFolder) -> RunFolder:
    """Create the run of the stage that follows a finished one.

    Raises:
        ConflictError: nothing follows, it has not finished, or the next stage was begun.
        PPOLabError: the next stage cannot be made.
    """
    if not folder.manifest.then:
        raise ConflictError("run", folder.id, "is followed by no stage", "Start another preset")
    _require_finished(folder)
    begun = follower_of(runs, folder)
    if begun is not None:
        raise ConflictError("run", folder.id, f"goes on in {begun.id} already", "Look there")
    first, *rest = folder.manifest.then
    stage = stage_from_mapping(STAGES[first["kind"]], first["config"])
    return _create(runs, going_on(stage, stages_before(runs, folder)), folder.manifest.preset, rest)


def stages_before(runs: Runs, folder: RunFolder) -> dict[str, Path]:
    """The folders of the stages up to a run and itself, by kind, in order."""
    named = {
        kind: found.path
        for kind, found in ((run.manifest.kind, run) for run in _sources(runs, folder))
    }
    named[folder.manifest.kind] = folder.path
    return {kind: named[kind] for kind in STAGES if kind in named}


def follower_of(runs: Runs, folder: RunFolder) -> RunFolder | None:
    """The newest run that does what is to follow a run, if one was begun."""
    for planned in folder.manifest.then[:1]:
        for run in runs.list():
            if run.manifest.kind == planned["kind"] and any(
                source.path == folder.path for source in _sources(runs, run)
            ):
                return run
    return None


def _sources(runs: Runs, folder: RunFolder) -> list[RunFolder]:
    """The runs whose folders a run's settings name."""
    config = folder.manifest.config
    named = [config.get("policy", ""), config.get("comparisons", "")]
    if config.get("reward"):
        named += [name for _, name in weighted_names(config["reward"])]
    known = {run.path.resolve(): run for run in runs.list()}
    # Those that came with the course name each other by id, wherever they were installed.
    beside = folder.path.parent if folder.recorded else Path()
    paths = [(beside / name).resolve() for name in named if name]
    return [known[path] for path in paths if path in known]


def _create(
    runs: Runs,
    stage: AnyStage,
    preset: str | None,
    then: list[dict[str, Any]],
    title: str | None = None,
) -> RunFolder:
    words = stage_words(stage.kind, stage.to_mapping())
    named = f"{words}, {task_named(stage.task).title}, seed {stage.training.seed}"
    return runs.create(stage, preset=preset, title=title or named, then=then)


def _require_use(after: RunFolder, task: str, stages: Mapping[str, AnyStage]) -> None:
    """Refuse to go on from what is no finished earlier stage of the same task."""
    kind = after.manifest.kind
    if kind not in list(stages)[:-1]:
        raise ConflictError(
            "after", after.id, f"is of the kind {kind}, after which nothing of this preset comes",
            f"Choose a run of the kind {' or '.join(list(stages)[:-1])}",
        )  # fmt: skip
    _require_finished(after)
    if after.recorded:
        raise ConflictError(
            "after", after.id, "came with the course, without its model",
            "Start the preset from its beginning",
        )  # fmt: skip
    if after.manifest.config["task"] != task:
        raise ConflictError(
            "after", after.id, f"learned the task {after.manifest.config['task']}, not {task}",
            "Choose a preset of its task",
        )  # fmt: skip


def _require_finished(folder: RunFolder) -> None:
    if folder.status().state != "finished":
        raise ConflictError(
            "run", folder.id, f"is {folder.status().state}, and nothing can go on from it yet",
            "Let it finish first",
        )  # fmt: skip
