"""The kinds of runs there are: what each trains, what it records and what may be changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, Protocol

from torch import Tensor

from ppolab.errors import UnknownNameError
from ppolab.live_settings import LiveSetting
from ppolab.metrics import Metric
from ppolab.recorder import Recorder
from ppolab.runs.folder import Manifest
from ppolab.runs.monitors import Monitor

Say = Callable[[str], None]

_LANGUAGE = "ppolab.runs.language"
_MODULES = {
    "control": "ppolab.runs.control",
    "sft": _LANGUAGE,
    "reward-model": _LANGUAGE,
    "rlhf": _LANGUAGE,
    "dpo": _LANGUAGE,
    "best-of-n": _LANGUAGE,
}


class Configuration(Protocol):
    """The settings of a run."""

    kind: ClassVar[str]  # name of the kind of run that they configure

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        ...


class Trainer(Protocol):
    """Whatever a session can drive, one iteration at a time."""

    iteration: int

    @property
    def step(self) -> int:
        """How far it is, in the unit of its run's `total_steps`."""
        ...

    @property
    def finished(self) -> bool:
        """Whether there is nothing left to do."""
        ...

    def iterate(self) -> dict[str, float]:
        """Do the next piece of work; return what was recorded."""
        ...

    def change(self, name: str, value: float) -> float:
        """Change a live setting; return what it was before."""
        ...

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        ...

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state; say whether the run goes on exactly as an uninterrupted one."""
        ...

    def close(self) -> None:
        """Release what it holds."""
        ...


@dataclass(frozen=True)
class Plan:
    """What is known of a run before it begins."""

    subject: str  # what it is about: an environment, a task
    stem: str  # what the names of such runs begin with
    seed: int
    total_steps: int


class RunKind(Protocol):
    """A kind of run."""

    name: str
    metrics: tuple[Metric, ...]  # those that every run of the kind records, in order of interest
    checkpoint_interval: int  # iterations between checkpoints
    threads: int  # of the arithmetic

    def plan(self, config: Mapping[str, Any]) -> Plan:
        """What a run with these settings will do, after making sure that it can.

        Raises:
            PPOLabError: naming the setting that cannot be used.
        """
        ...

    def live_settings(self, config: Mapping[str, Any]) -> tuple[LiveSetting, ...]:
        """The settings of such a run that may be changed while it goes."""
        ...

    def settings(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """Where among a run's settings its live ones stand, by their names."""
        ...

    def trainer(
        self, config: Mapping[str, Any], folder: Path, recorder: Recorder, say: Say
    ) -> Trainer:
        """Make the trainer of a run in its folder; `say` tells what takes a while."""
        ...

    def monitors(self, config: Mapping[str, Any]) -> tuple[Monitor, ...]:
        """Who watches such a run."""
        ...

    def introduction(self, trainer: Any) -> str:
        """A sentence about how it works, once it is about to begin."""
        ...

    def ending(self, trainer: Any, config: Mapping[str, Any], folder: Path) -> str:
        """What it came to, for the run's last words; empty where there is nothing to tell.

        Called once, when all is done; what is to be kept of the trainer goes into the folder.
        """
        ...

    def describe(self, key: str) -> Metric:
        """What a recorded number means."""
        ...


KIND_NAMES = tuple(_MODULES)


def run_kind(name: str) -> RunKind:
    """The kind of that name; its packages are loaded when it is first asked for.

    Raises:
        UnknownNameError: there is none.
    """
    if name not in _MODULES:
        raise UnknownNameError("kind of run", name, sorted(_MODULES))
    kind: RunKind = import_module(_MODULES[name]).KINDS[name]
    return kind


def threads_of(manifest: Manifest) -> int:
    """Threads of a run's arithmetic: those that it was begun with, or what is usual."""
    return manifest.threads or run_kind(manifest.kind).threads
