"""Training ends where a number that it depends on stops being finite, and says where that arose."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from ppolab.control.config import PPOConfig
from ppolab.control.networks import ActorCritic
from ppolab.control.optimizer import Adam
from ppolab.control.origins import Beginning, Origin, find_origin
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout
from ppolab.control.update import Parts
from ppolab.errors import PPOLabError
from ppolab.recorder import Recorder

WATCHED = ("policy_loss", "value_loss", "entropy", "gradient_norm")


class TrainingDivergedError(PPOLabError):
    """A number that training depends on stopped being finite."""


class FiniteGuard:
    """Looks at what every update leaves behind, and finds the origin where it is not finite.

    In good times it copies the weights and Adam's memory and looks at the weights once; see
    `origins` for the bad ones.
    """

    def __init__(
        self, model: ActorCritic, parameters: FlatParameters, optimizer: Adam, parts: Parts
    ) -> None:
        self._model, self._parameters, self._parts = model, parameters, parts
        self._beginning = Beginning(parameters, optimizer)

    def keep(self, generator: torch.Generator) -> None:
        """Keep what the coming update begins from."""
        self._beginning.keep(generator)

    def require_finite(
        self, metrics: Mapping[str, float], step: int, rollout: Rollout, config: PPOConfig,
        learning_rate: float, recorder: Recorder,
    ) -> None:  # fmt: skip
        """Make sure that the update went well.

        Args:
            metrics: of the update.
            step: environment steps taken so far.
            rollout: that the update learned from.
            config: of the update.
            learning_rate: of the update.
            recorder: told of what is found.

        Raises:
            TrainingDivergedError: it did not; the error names where the first number arose that is
                not finite, and what to try.
        """
        bad = self._not_finite(metrics)
        if bad is None:
            return
        name, value = bad
        origin = find_origin(
            self._model, self._beginning, rollout, config, learning_rate, self._parts
        )
        recorder.alert("non-finite", {"metric": name, "value": str(value), **evidence(origin)})
        raise TrainingDivergedError(
            name, value, f"is not finite at step {step:,}: {in_words(origin)}", origin.mend
        )

    def _not_finite(self, metrics: Mapping[str, float]) -> tuple[str, float] | None:
        for name in WATCHED:
            if not math.isfinite(metrics[name]):
                return name, metrics[name]
        vector = self._parameters.vector.detach()
        # Their sum is not finite where one of them is not, and a tenth of the work to look at.
        if not math.isfinite(float(vector.sum())):
            bad = vector[~torch.isfinite(vector)]
            if len(bad):
                return "parameters", float(bad[0])
        return None


def evidence(origin: Origin) -> dict[str, object]:
    """What an alert tells of an origin."""
    told: dict[str, object] = {"where": origin.where}
    if origin.epoch is not None:
        told |= {"epoch": origin.epoch, "minibatch": origin.minibatch}
    return told | {"found": origin.words, "try": origin.mend}


def in_words(origin: Origin) -> str:
    """An origin as a clause, with the place in the update if it has one."""
    if origin.epoch is None:
        return origin.words
    return f"{origin.words} (epoch {origin.epoch}, minibatch {origin.minibatch})"
