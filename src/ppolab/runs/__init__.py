"""A run is a folder: starting, following, resuming and replaying runs."""

from ppolab.control.presets import Preset, load_preset, preset_names
from ppolab.runs.events import Event
from ppolab.runs.folder import LIVE_STATES, Manifest, RunFolder, RunStatus
from ppolab.runs.local import LocalExecutor
from ppolab.runs.log import LogTail
from ppolab.runs.registry import Runs
from ppolab.runs.views import SeriesView, StateAt, fold_series, state_at

__all__ = [
    "LIVE_STATES",
    "Event",
    "LocalExecutor",
    "LogTail",
    "Manifest",
    "Preset",
    "RunFolder",
    "RunStatus",
    "Runs",
    "SeriesView",
    "StateAt",
    "fold_series",
    "load_preset",
    "preset_names",
    "presets",
    "state_at",
]


def presets() -> list[Preset]:
    """All presets of runs."""
    return [load_preset(name) for name in preset_names()]
