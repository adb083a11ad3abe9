"""Runs that train PPO on an environment."""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ppolab.control.config import PPOConfig
from ppolab.control.making import make_environment
from ppolab.control.metrics import METRICS, metric_for
from ppolab.control.trainer import LIVE_SETTINGS, PPOTrainer
from ppolab.live_settings import LiveSetting
from ppolab.metrics import Metric
from ppolab.recorder import Recorder
from ppolab.runs.kinds import Plan, Say
from ppolab.runs.monitors import Monitor


class ControlKind:
    """PPO on any environment; see `ppolab.control`."""

    name = "control"
    metrics = METRICS
    threads = 1  # networks this small lose time on a second one
    checkpoint_interval = 5  # a checkpoint of a small policy takes milliseconds

    def plan(self, config: Mapping[str, Any]) -> Plan:
        """What a run with these settings will do, after making one copy of its environment."""
        settings = PPOConfig.from_mapping(config)
        make_environment(settings, count=1).close()
        return Plan(
            settings.environment, settings.environment, settings.seed, settings.planned_steps
        )

    def live_settings(self, config: Mapping[str, Any]) -> tuple[LiveSetting, ...]:
        """The clip range."""
        return LIVE_SETTINGS

    def settings(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
        """They stand side by side."""
        return config

    def trainer(
        self, config: Mapping[str, Any], folder: Path, recorder: Recorder, say: Say
    ) -> PPOTrainer:
        """Make the trainer; tell what is compiled on the way."""

        def compiling(what: str, done: int, count: int) -> None:
            say(f"{what}, {done + 1} of {count}, once for this machine")

        return PPOTrainer(PPOConfig.from_mapping(config), recorder, progress=compiling)

    def monitors(self, config: Mapping[str, Any]) -> tuple[Monitor, ...]:
        """Nobody: its trainer itself says where a number stopped being finite."""
        return ()

    def introduction(self, trainer: PPOTrainer) -> str:
        """Which back end computes, and in what precision."""
        precision = trainer.config.precision
        rough = "" if precision == "float32" else f"{precision} updates on the "
        return f"{rough}{trainer.backend.name} back end"

    def ending(self, trainer: PPOTrainer, config: Mapping[str, Any], folder: Path) -> str:
        """The mean return it came to."""
        if not math.isfinite(trainer.mean_return):
            return ""
        count = len(trainer.recent_returns)
        return f"mean return {trainer.mean_return:.1f} over the last {count} episodes"

    def describe(self, key: str) -> Metric:
        """What a recorded number means."""
        return metric_for(key)


KINDS = {"control": ControlKind()}
