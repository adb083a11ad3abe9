"""Training several reward models side by side, each as if it were alone."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor

from ppolab.language.models import LanguageModel
from ppolab.language.preference_data import Comparison
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_evaluation import RewardEvaluation, evaluate_reward_model
from ppolab.language.reward_model import RewardEnsemble, RewardModel
from ppolab.language.reward_training import RewardTrainer, require_finite
from ppolab.language.stage_trainer import StageTrainer
from ppolab.recorder import NullRecorder, Recorder


class EnsembleTrainer(StageTrainer):
    """Trains `config.members` reward models, with the seeds from `config.seed` on.

    Each has its own head, order of comparisons and optimiser, and becomes bit for bit what it would
    have become alone. All hold out the same comparisons, on which their mean is measured.

    Args:
        config: settings; each member's are the same but for the seed.
        trunk: the language model that each member begins as a copy of.
        comparisons: as of `RewardTrainer`.
        recorder: told the means over the members.
    """

    def __init__(
        self,
        config: RewardConfig,
        trunk: LanguageModel,
        comparisons: Sequence[Comparison],
        recorder: Recorder | None = None,
    ) -> None:
        self.config = config
        self.recorder: Recorder = recorder if recorder is not None else NullRecorder()
        models = [
            RewardModel(copy.deepcopy(trunk), config.seed + member, config.shape)
            for member in range(config.members)
        ]
        self.model = RewardEnsemble(models)
        self.trainers = [
            RewardTrainer(replace(config, seed=config.seed + member), model, comparisons)
            for member, model in enumerate(models)
        ]
        first = self.trainers[0]
        self.dtype, self.held_out = first.dtype, first.held_out
        self.live_settings = first.live_settings
        self.iteration = 0

    @property
    def total_steps(self) -> int:
        """Gradient steps of each member."""
        return self.trainers[0].total_steps

    def iterate(self) -> dict[str, float]:
        """Take one gradient step with each member; return what was recorded.

        Raises:
            RewardTrainingDivergedError: a member's loss stopped being finite.
        """
        if self.iteration == 0:
            self.recorder.metrics(0, **self.evaluate().metrics())
        with self.recorder.stage("update"):
            of_members = [trainer.learn() for trainer in self.trainers]
        self.iteration += 1
        metrics = {
            name: sum(numbers[name] for numbers in of_members) / len(of_members)
            for name in of_members[0]
        }
        if self.iteration % self.config.evaluate_every == 0 or self.finished:
            metrics |= self.evaluate().metrics()
        self.recorder.metrics(self.step, **metrics)
        require_finite(metrics["rm_train_loss"], self.step)
        return metrics

    def evaluate(self) -> RewardEvaluation:
        """Measure the members' mean on the pairs held out."""
        return evaluate_reward_model(self.model, self.held_out)

    def state(self) -> tuple[dict[str, Tensor], dict[str, Any]]:
        """Everything needed to go on: tensors, and plain data that JSON can hold."""
        tensors = {
            f"{member}.{name}": value
            for member, trainer in enumerate(self.trainers)
            for name, value in trainer.state()[0].items()
        }
        return tensors, {"iteration": self.iteration, "live_settings": self.settings_now()}

    def restore(self, tensors: Mapping[str, Tensor], extra: Mapping[str, Any]) -> bool:
        """Go back to a state that `state` returned; always True, for such a state is whole."""
        for member, trainer in enumerate(self.trainers):
            prefix = f"{member}."
            own = {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}
            trainer.restore(own, extra)
        self.iteration = extra["iteration"]
        self.set_again(extra)
        return True

    def change(self, name: str, value: float) -> float:
        """Change a live setting of all members."""
        for trainer in self.trainers:
            trainer.change(name, value)
        return super().change(name, value)
