"""The stages of RLHF as the page starts them and sees them."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

from ppolab.errors import PPOLabError
from ppolab.language.presets import RecipePreset, load_recipe, recipe_names
from ppolab.language.recipe import kinds_of, options_of, words_of
from ppolab.runs import LocalExecutor, RunFolder, Runs
from ppolab.server.numbers import finite
from ppolab.server.schema import Figure, Preset, RunKindName, RunState, Stage, Stages, StartRun
from ppolab.server.services import Services

GROUP = "Language models: RLHF"
SHOWN_TEXTS = 4


def language_presets() -> list[Preset]:
    """The recipes of RLHF that can be started."""
    return [_preset(load_recipe(name)) for name in recipe_names()]


def _preset(preset: RecipePreset) -> Preset:
    recipe = preset.recipe
    return Preset(
        name=preset.name,
        title=preset.title,
        description=preset.description,
        kind="language",
        group=GROUP,
        environment=recipe.task,
        config=options_of(recipe),
        settings=[],
        stages=[words_of(kind, recipe.algorithm) for kind in kinds_of(recipe)],
    )


def start_stages(services: Services, request: StartRun) -> RunFolder:
    """Create the run of a preset's first stage, or of the one that follows `after`."""
    from ppolab.runs.stage_chain import create_chain  # which loads the engine of language models

    preset = load_recipe(request.preset)
    overrides = dict(request.overrides)
    if request.seed is not None:
        overrides["seed"] = request.seed
    after = None if request.after is None else services.runs.get(request.after)
    return create_chain(services.runs, preset, overrides, after, request.title)


def start_next(services: Services, run_id: str) -> RunFolder:
    """Begin the stage that follows a finished run, where it did not begin by itself."""
    from ppolab.runs.stage_chain import begin_next

    folder = begin_next(services.runs, services.runs.get(run_id))
    services.executor.start(folder)
    return folder


def going_on_by_itself(
    runs: Runs, executor: Callable[[], LocalExecutor]
) -> Callable[[RunFolder], None]:
    """What an executor is to do when a run has ended: begin the stage that follows it, if any."""

    def on_end(folder: RunFolder) -> None:
        if not folder.manifest.then or folder.status().state != "finished":
            return
        from ppolab.runs.stage_chain import begin_next

        try:
            executor().start(begin_next(runs, folder))
        except PPOLabError as error:
            words = folder.status().words
            folder.note_state("finished", f"{words}; the next stage cannot begin: {error}")

    return on_end


def stages(services: Services, folder: RunFolder) -> Stages:
    """The stages that a run belongs to, with what each came to."""
    manifest = folder.manifest
    if manifest.kind == "control":
        return Stages(stages=[], next_ready=False, presets=[])
    from ppolab.runs.stage_chain import follower_of, stage_words, stages_before

    runs = [services.runs.get(path.name) for path in stages_before(services.runs, folder).values()]
    last = folder
    while (follower := follower_of(services.runs, last)) is not None:
        runs.append(follower)
        last = follower
    planned = [
        Stage(
            kind=cast(RunKindName, stage["kind"]),
            words=stage_words(stage["kind"], stage["config"]),
            run_id=None,
            state=None,
            state_words="still to come",
            figures=[],
            texts_before=[],
            texts_after=[],
        )
        for stage in last.manifest.then
    ]
    finished = folder.status().state == "finished"
    ready = finished and last is folder and bool(manifest.then) and not folder.recorded
    return Stages(
        stages=[*(_stage(run) for run in runs), *planned],
        next_ready=ready and not services.executor.is_live(folder),
        presets=_presets_after(folder) if finished and not folder.recorded else [],
    )


def _stage(folder: RunFolder) -> Stage:
    from ppolab.runs.stage_chain import stage_words
    from ppolab.runs.stage_results import figures_of, texts_of_run

    manifest, status = folder.manifest, folder.status()
    before, after = texts_of_run(folder)
    return Stage(
        kind=cast(RunKindName, manifest.kind),
        words=stage_words(manifest.kind, manifest.config),
        run_id=folder.id,
        state=cast(RunState, status.state),
        state_words=status.words,
        figures=[
            Figure(
                key=figure.key,
                label=figure.words,
                before=finite(figure.before),
                after=finite(figure.after),
            )
            for figure in figures_of(folder)
        ],
        texts_before=before[:SHOWN_TEXTS],
        texts_after=after[:SHOWN_TEXTS],
    )


def _presets_after(folder: RunFolder) -> list[str]:
    """The presets of a run's task in which another stage comes after its kind."""
    recipes = [load_recipe(name) for name in recipe_names()]
    return [
        preset.name
        for preset in recipes
        if folder.manifest.kind in kinds_of(preset.recipe)[:-1]
        and preset.recipe.task == folder.manifest.config["task"]
    ]
