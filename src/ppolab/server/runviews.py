"""Runs as the wire knows them, and the few things the page may do with them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from ppolab.control.config import PPOConfig
from ppolab.control.metrics import REFERENCE_LINES, is_of_one_layer
from ppolab.control.presets import GROUPS
from ppolab.errors import ConflictError, InvalidSettingError, UnknownNameError
from ppolab.runs import (
    LIVE_STATES,
    Event,
    Manifest,
    RunFolder,
    RunStatus,
    fold_series,
    load_preset,
    state_at,
)
from ppolab.runs import presets as all_presets
from ppolab.runs.episodes import list_episodes, read_episode
from ppolab.runs.kinds import run_kind
from ppolab.server import stageviews
from ppolab.server.numbers import finite
from ppolab.server.records import iso
from ppolab.server.schema import (
    Episode,
    EpisodeSummary,
    LiveSetting,
    MetricInfo,
    Preset,
    RunAt,
    RunControl,
    RunDetail,
    RunEvent,
    RunEvents,
    RunState,
    RunSummary,
    Series,
    SeriesColumns,
    StartRun,
)
from ppolab.server.services import Services

EVENT_KINDS = (
    "state",
    "setting",
    "checkpoint",
    "rewind",
    "histogram",
    "stage",
    "tensors",
    "sample",
    "alert",
)
RESUMABLE = ("interrupted", "stopped", "failed")
READ_LINES = 5000  # lines looked at in one go when events are picked by kind


def presets() -> list[Preset]:
    """Every configuration that a run can start from."""
    return [
        Preset(
            name=preset.name,
            title=preset.title,
            description=preset.description,
            kind="control",
            group=preset.group,
            environment=preset.config.environment,
            config=preset.config.to_mapping(),
            settings=live_settings(preset.config.kind, preset.config.to_mapping()),
            stages=[],
        )
        for preset in sorted(all_presets(), key=lambda preset: GROUPS.index(preset.group))
    ] + stageviews.language_presets()


def live_settings(
    kind: str, config: dict[str, Any], changed: Mapping[str, float] | None = None
) -> list[LiveSetting]:
    """The settings that may change while a run goes, at their present values.

    Args:
        kind: of the run.
        config: its settings as it began.
        changed: those that were changed since.
    """
    found = run_kind(kind)
    values = {**found.settings(config), **(changed or {})}
    return [
        LiveSetting(
            name=setting.name,
            label=setting.label,
            value=float(values[setting.name]),
            initial=float(found.settings(config)[setting.name]),
            minimum=setting.minimum,
            maximum=setting.maximum,
            step=setting.step,
            description=setting.description,
            logarithmic=setting.logarithmic,
        )
        for setting in found.live_settings(config)
        if setting.name in values
    ]


def summaries(services: Services) -> list[RunSummary]:
    """All runs, newest first; those that came with the course after the learner's own."""
    folders = sorted(services.runs.list(), key=lambda folder: folder.recorded)
    return [RunSummary(**summary_fields(folder, folder.status())) for folder in folders]


def summary_fields(folder: RunFolder, status: RunStatus) -> dict[str, Any]:
    """What a list shows of a run."""
    manifest = folder.manifest
    return {
        "id": folder.id,
        "title": manifest.title,
        "kind": manifest.kind,
        "environment": manifest.environment,
        "preset": manifest.preset,
        "seed": manifest.seed,
        "state": status.state,
        "state_words": status.words,
        "step": status.step,
        "total_steps": manifest.total_steps,
        "created_at": manifest.created_at,
        "updated_at": iso(datetime.fromtimestamp(status.updated_at, UTC)),
        "recorded": folder.recorded,
        # Of single layers there are dozens, which a list of runs need not carry.
        "latest": {
            key: finite(value) for key, value in status.latest.items() if not is_of_one_layer(key)
        },
        "can_resume": status.state in RESUMABLE and not folder.recorded,
    }


def detail(services: Services, folder: RunFolder) -> RunDetail:
    """One run with its settings and metrics."""
    status = folder.status()
    manifest = folder.manifest
    changed = folder.fold().settings
    return RunDetail(
        **summary_fields(folder, status),
        head=status.head,
        config=manifest.config,
        versions=manifest.versions,
        settings=live_settings(manifest.kind, manifest.config, changed),
        metrics=metric_infos(manifest, list(status.latest)),
        resumable_step=status.resumable_step,
    )


def metric_infos(manifest: Manifest, recorded: list[str]) -> list[MetricInfo]:
    """What each metric means: those we describe, then any others a run recorded."""
    kind = run_kind(manifest.kind)
    described = {metric.key for metric in kind.metrics}
    others = tuple(kind.describe(key) for key in recorded if key not in described)
    lines = REFERENCE_LINES.get(manifest.environment, {})
    return [
        MetricInfo(
            key=metric.key,
            label=metric.label,
            unit=metric.unit,
            role=metric.role,
            description=metric.description,
            reference=lines.get(metric.key),
        )
        for metric in kind.metrics + others
    ]


def episodes(folder: RunFolder) -> list[EpisodeSummary]:
    """Recorded episodes, without their steps."""
    wanted = EpisodeSummary.model_fields
    return [
        EpisodeSummary(**{key: facts[key] for key in wanted}) for facts in list_episodes(folder)
    ]


def episode(folder: RunFolder, name: str) -> Episode:
    """A recorded episode step by step."""
    return Episode(**read_episode(folder, name))


def start(services: Services, request: StartRun) -> RunDetail:
    """Create a run from a preset, with what the request changes, and start it."""
    make = stageviews.start_stages if request.kind == "language" else _create_control
    folder = make(services, request)
    services.executor.start(folder)
    return detail(services, folder)


def _create_control(services: Services, request: StartRun) -> RunFolder:
    if request.after is not None:
        raise InvalidSettingError(
            "after", request.after, "means nothing to PPO on an environment", "Leave it out"
        )
    preset = load_preset(request.preset)
    settings: dict[str, Any] = {**preset.config.to_mapping(), **request.overrides}
    if request.seed is not None:
        settings["seed"] = request.seed
    if ":" in str(settings["environment"]):
        # Gymnasium imports what stands before the colon; a request must not choose what runs here.
        raise InvalidSettingError(
            "environment", settings["environment"],
            "names a module, which the server will not load",
            "Train it in the terminal: ppolab train MODULE:NAME",
        )  # fmt: skip
    return services.runs.create(
        PPOConfig.from_mapping(settings), preset=preset.name, title=request.title
    )


def control(services: Services, run_id: str, request: RunControl) -> RunDetail:
    """Pass an order to a run."""
    folder = services.runs.get(run_id)
    services.executor.control(folder, request.action, request.name, request.value)
    return detail(services, folder)


def resume(services: Services, run_id: str) -> RunDetail:
    """Go on from the newest checkpoint."""
    folder = services.runs.get(run_id)
    services.executor.resume(folder)
    return detail(services, folder)


def delete(services: Services, run_id: str) -> None:
    """Delete a run that is not live."""
    folder = services.runs.get(run_id)
    if services.executor.is_live(folder) or folder.status().state in LIVE_STATES:
        raise ConflictError("run", run_id, "is still going", "Stop it first, then delete it.")
    services.runs.delete(run_id)


def series(
    folder: RunFolder, keys: str | None, from_step: int | None, to_step: int | None, px: int
) -> Series:
    """Metrics as columns."""
    if from_step is not None and to_step is not None and from_step > to_step:
        raise InvalidSettingError(
            "from_step", from_step, f"lies after to_step {to_step}", "Swap them."
        )
    wanted = names(keys)
    usual = {metric.key for metric in run_kind(folder.manifest.kind).metrics}
    view = fold_series(folder, wanted, from_step or 0, to_step, px, early=usual)
    columns = {
        key: SeriesColumns(
            step=[int(step) for step in steps], value=[finite(value) for value in values]
        )
        for key, (steps, values) in view.columns.items()
    }
    present = [step for column in columns.values() for step in column.step]
    return Series(
        cursor=view.cursor,
        from_step=min(present, default=from_step or 0),
        to_step=max(present, default=to_step or 0),
        series=columns,
    )


def events(folder: RunFolder, cursor: int, limit: int, kinds: str | None) -> RunEvents:
    """At most `limit` events that are not metrics, after `cursor`."""
    wanted = set(names(kinds) or EVENT_KINDS)
    unknown = sorted(wanted - set(EVENT_KINDS))
    if unknown:
        raise UnknownNameError("kinds", unknown[0], list(EVENT_KINDS))
    found: list[RunEvent] = []
    while True:
        lines = folder.read(cursor, READ_LINES)
        for line in lines:
            cursor = line.seq
            if line.type in wanted:
                found.append(event_of(line))
            if len(found) == limit:
                return RunEvents(events=found, cursor=cursor)
        if len(lines) < READ_LINES:
            return RunEvents(events=found, cursor=cursor)


def at(folder: RunFolder, step: int) -> RunAt:
    """The state of a run at a step."""
    state = state_at(folder, step)
    initial = {
        setting.name: setting.value
        for setting in live_settings(folder.manifest.kind, folder.manifest.config)
    }
    return RunAt(
        step=state.step,
        seq=state.seq,
        state=cast(RunState, state.state),
        metrics={key: finite(value) for key, value in state.metrics.items()},
        settings={**initial, **state.settings},
        histograms={name: event_of(event) for name, event in state.histograms.items()},
        alerts=[event_of(event) for event in state.alerts],
    )


def event_of(event: Event) -> RunEvent:
    """A log line that is not a metric, as the page receives it."""
    return RunEvent(seq=event.seq, step=event.step, t=event.t, kind=event.type, data=event.data)


def names(text: str | None) -> list[str] | None:
    """Part a comma-separated list; None stands for all."""
    if text is None:
        return None
    return [name.strip() for name in text.split(",") if name.strip()]
