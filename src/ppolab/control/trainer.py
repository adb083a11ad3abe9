"""The PPO trainer: rollout, update, report, again."""

from __future__ import annotations

import dataclasses
import math
import time
from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ppolab.algorithms import schedules
from ppolab.control.backends import Progress, choose_backend
from ppolab.control.building import build_networks
from ppolab.control.config import PPOConfig
from ppolab.control.divergence import FiniteGuard
from ppolab.control.environments import Finished, Team, whole_episodes
from ppolab.control.gradient_monitor import GradientMonitor
from ppolab.control.losses import kl_penalty_of
from ppolab.control.making import make_environment
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.precision import with_precision
from ppolab.control.rollout import Rollout
from ppolab.control.update import RATIO_HIGH, RATIO_LOW, Parts, UpdateReport
from ppolab.live_settings import LiveSetting, check_live_setting
from ppolab.recorder import NullRecorder, Recorder

RECENT_EPISODES = 100  # the window of "mean return over 100 episodes"


LIVE_SETTINGS = (
    LiveSetting(
        "clip_range", "Clip range ε", 0.02, 1.0, 0.02,
        "How far the ratio may move before the objective stops paying for it. Where ε follows a "
        "schedule, this is its value at the start, which the schedule goes on lowering.",
    ),
)  # fmt: skip


class PPOTrainer:
    """Trains an actor and a critic by PPO on any Gymnasium environment.

    One call of `iterate` is one rollout and one update. Between calls the trainer can be saved,
    restored and have its live settings changed; a restored trainer goes on bit for bit as an
    uninterrupted one would on the same machine, provided the environment can be captured.

    Example:
        >>> trainer = PPOTrainer(PPOConfig(total_steps=50_000))
        >>> while not trainer.finished:
        ...     metrics = trainer.iterate()
    """

    def __init__(
        self,
        config: PPOConfig,
        recorder: Recorder | None = None,
        parts: Parts | None = None,
        progress: Progress | None = None,
    ) -> None:
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        self.parts = parts if parts is not None else Parts()
        self.environment = make_environment(config)
        self.config = config = with_precision(config, self.environment.layout)
        self.model = build_networks(config, self.environment)
        self.parameters = FlatParameters(self.model)
        self.optimizer = Adam(self.parameters, config.learning_rate, config.adam_epsilon)
        self.shuffle_generator = torch.Generator().manual_seed(config.seed)
        self.action_generator = np.random.default_rng([config.seed, 1])
        self.rollout = Rollout.allocate(
            config.rollout_steps, self.environment, self.model.state_size
        )
        self.backend = choose_backend(
            config, self.model, self.parameters, self.optimizer, self.parts, self.environment,
            progress,
        )  # fmt: skip
        self.guard = FiniteGuard(self.model, self.parameters, self.optimizer, self.parts)
        self.monitor = (
            GradientMonitor(self.model, self.parameters) if config.monitor_gradients else None
        )
        self.kl_penalty = kl_penalty_of(config)
        self.iteration = 0
        self.episodes = 0
        self.recent_returns: deque[float] = deque(maxlen=RECENT_EPISODES)
        self.recent_lengths: deque[int] = deque(maxlen=RECENT_EPISODES)

    @property
    def step(self) -> int:
        """Environment steps taken so far."""
        return self.iteration * self.config.batch_size

    @property
    def total_steps(self) -> int:
        """Environment steps that the whole run takes."""
        return self.config.planned_steps

    @property
    def finished(self) -> bool:
        """Whether the planned steps are taken, or the return asked for is reached."""
        target = self.config.stop_return
        return self.iteration >= self.config.iterations or (
            target is not None
            and len(self.recent_returns) == RECENT_EPISODES
            and self.mean_return >= target
        )

    @property
    def mean_return(self) -> float:
        """Mean return of the last 100 finished episodes, fewer at the start; NaN before any."""
        return float(np.mean(self.recent_returns)) if self.recent_returns else math.nan

    def iterate(self) -> dict[str, float]:
        """Do one rollout and one update, and return what was recorded.

        Raises:
            TrainingDivergedError: a loss, a gradient or a weight stopped being finite.
        """
        started = time.perf_counter()
        config, learning_rate = self._settings_now(), self._scheduled("learning_rate")
        gamma = config.gamma if config.bootstrap_truncation else 0.0  # of what was cut off
        with self.recorder.stage("rollout"):
            ended = self.backend.collect(
                self.rollout, self.environment, self.action_generator, gamma
            )
        self.guard.keep(self.shuffle_generator)
        if self.monitor is not None:
            self.monitor.begin()
        with self.recorder.stage("update"):
            report, _ = self.backend.update(
                self.rollout, config, learning_rate, self.shuffle_generator
            )
        self.iteration += 1
        self.kl_penalty = self.kl_penalty.updated(report.approx_kl, config.batch_size)
        finished = whole_episodes(ended)
        self._count(finished)

        seconds = time.perf_counter() - started
        metrics = self._metrics(finished, report) | {
            "learning_rate": learning_rate,
            "clip_range": config.clip_range,
            "steps_per_second": config.batch_size / seconds,
        }
        if config.policy_loss == "kl_penalty":
            metrics["kl_penalty_coef"] = config.kl_penalty_coef
        if self.monitor is not None:
            metrics |= {"shortened_share": report.shortened} | self.monitor.measure(self.rollout)
        metrics |= self._agent_returns(ended)
        self.recorder.metrics(self.step, **metrics)
        good, other = report.ratio_counts.numpy()
        for name, counts in (
            ("ratio", good + other),
            ("ratio_positive", good),  # of actions with a positive advantage
            ("ratio_negative", other),
        ):
            self.recorder.histogram(self.step, name, RATIO_LOW, RATIO_HIGH, counts)
        self.guard.require_finite(
            metrics, self.step, self.rollout, config, learning_rate, self.recorder
        )
        return metrics

    def change(self, name: str, value: float) -> float:
        """Change a live setting between iterations; return what it was before.

        Raises:
            UnknownNameError: no live setting of that name.
            InvalidSettingError: the value is outside the setting's range.
        """
        check_live_setting(LIVE_SETTINGS, name, value)
        before = float(getattr(self.config, name))
        changed: dict[str, Any] = {name: float(value)}
        self.config = dataclasses.replace(self.config, **changed)
        return before

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = {
            "parameters": self.parameters.vector.detach().clone(),
            "shuffle_generator": self.shuffle_generator.get_state(),
            "adam_mean": self.optimizer.mean.clone(),
            "adam_square": self.optimizer.square.clone(),
        }
        if self.rollout.last_states is not None:
            tensors["memory"] = self.rollout.last_states.clone()
        return tensors, {
            "iteration": self.iteration,
            "episodes": self.episodes,
            "adam_step": self.optimizer.steps,
            "kl_penalty_coef": self.kl_penalty.coefficient,
            "action_generator": self.action_generator.bit_generator.state,
            "recent_returns": list(self.recent_returns),
            "recent_lengths": list(self.recent_lengths),
            "live_settings": {s.name: getattr(self.config, s.name) for s in LIVE_SETTINGS},
            "environment": self.environment.state(),
        }

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned.

        Returns:
            Whether the environment was restored too. Where it could not be captured, its episodes
            begin anew and the run differs from an uninterrupted one from here on.
        """
        with torch.no_grad():
            self.parameters.vector.copy_(tensors["parameters"])
        self.shuffle_generator.set_state(tensors["shuffle_generator"])
        if "adam_mean" in tensors:
            self.optimizer.restore(
                tensors["adam_mean"], tensors["adam_square"], int(extra["adam_step"])
            )
        else:  # a checkpoint of version 0.1 from before the first step
            self.optimizer.forget()
        coefficient = extra.get("kl_penalty_coef", self.config.kl_penalty_coef)
        self.kl_penalty = dataclasses.replace(self.kl_penalty, coefficient=coefficient)
        self.iteration = extra["iteration"]
        self.episodes = extra["episodes"]
        self.action_generator.bit_generator.state = extra["action_generator"]
        self.recent_returns = deque(extra["recent_returns"], RECENT_EPISODES)
        self.recent_lengths = deque(extra["recent_lengths"], RECENT_EPISODES)
        self.config = dataclasses.replace(self.config, **extra["live_settings"])
        captured = extra["environment"]
        exact = captured is not None and self.environment.restore(captured)
        remembered = self.rollout.last_states
        if remembered is not None:
            remembered.copy_(tensors["memory"])
            if not exact:  # it belongs to episodes that do not go on
                remembered.zero_()
        return exact

    def close(self) -> None:
        """Release the environments."""
        self.environment.close()

    def _scheduled(self, name: str) -> float:
        """What a setting with a schedule is in the next update."""
        schedule = getattr(schedules, getattr(self.config, f"{name}_schedule"))
        value: float = schedule(
            getattr(self.config, name), 1.0 - self.iteration / self.config.iterations
        )
        return value

    def _settings_now(self) -> PPOConfig:
        """The settings of the next update: those given, and of those that move, where they are."""
        clip_range, coefficient = self._scheduled("clip_range"), self.kl_penalty.coefficient
        if (clip_range, coefficient) == (self.config.clip_range, self.config.kl_penalty_coef):
            return self.config  # checking all settings anew would take a tenth of a millisecond
        return dataclasses.replace(self.config, clip_range=clip_range, kl_penalty_coef=coefficient)

    def _count(self, finished: list[Finished | Team]) -> None:
        self.episodes += len(finished)
        self.recent_returns.extend(episode.episode_return for episode in finished)
        self.recent_lengths.extend(episode.length for episode in finished)

    def _metrics(self, finished: list[Finished | Team], report: UpdateReport) -> dict[str, float]:
        episode_returns = [episode.episode_return for episode in finished]
        return {
            "return_mean_100": self.mean_return,
            "episode_return": float(np.mean(episode_returns)) if finished else math.nan,
            "episode_length": float(np.mean(self.recent_lengths or [math.nan])),
            "episodes": float(self.episodes),
            "policy_loss": report.policy_loss,
            "value_loss": report.value_loss,
            "entropy": report.entropy,
            "approx_kl": report.approx_kl,
            "clip_fraction": report.clip_fraction,
            "explained_variance": report.explained_variance,
            "gradient_norm": report.gradient_norm,
            "ratio_min": report.ratio_min,
            "ratio_max": report.ratio_max,
            "epochs": float(report.epochs),
        }

    def _agent_returns(self, ended: list[Finished]) -> dict[str, float]:
        """Mean return of each agent's episodes that ended in this iteration; NaN for none."""
        told = {}
        for agent in self.environment.agents:
            returns = [episode.episode_return for episode in ended if episode.agent == agent]
            told[f"return_of_{agent}"] = float(np.mean(returns)) if returns else math.nan
        return told
