"""Where a number that is not finite arose, found by taking the update again under watch.

A NaN spreads: once in the loss it is in every weight. Looking at what it left behind tells nothing,
and looking at everything always would cost a multiple of the update. So each update's beginning is
kept, and only where one ends badly it is taken again, with the same minibatches, in torch, looking
at everything. That serves both back ends.
"""

from __future__ import annotations

import copy
import math
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from ppolab.control.config import PPOConfig
from ppolab.control.layers import LayerWatch, Watcher
from ppolab.control.losses import policy_loss_for
from ppolab.control.networks import ActorCritic
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout
from ppolab.control.update import Parts, update

LOWER = "Lower learning_rate or max_gradient_norm"


@dataclass(frozen=True)
class Origin:
    """Where the first number arose that is not finite."""

    where: str  # such as "rewards", "actor.first" or "policy_loss"
    words: str  # a clause about it
    mend: str  # what to try
    epoch: int | None = None  # of the update, from 1; None: before its first epoch
    minibatch: int | None = None  # of the epoch, from 1


class Beginning:
    """What an update began from, kept until it ended well."""

    def __init__(self, parameters: FlatParameters, optimizer: Adam) -> None:
        self._parameters, self._optimizer = parameters, optimizer
        self.vector = parameters.vector.detach().clone()
        self.mean, self.square = optimizer.mean.clone(), optimizer.square.clone()
        self.steps = optimizer.steps
        self.chance = torch.empty(0)

    def keep(self, generator: torch.Generator) -> None:
        """Keep what the update is about to change."""
        self.vector.copy_(self._parameters.vector.detach())
        self.mean.copy_(self._optimizer.mean)
        self.square.copy_(self._optimizer.square)
        self.steps = self._optimizer.steps
        self.chance = generator.get_state()


def find_origin(
    model: ActorCritic,
    beginning: Beginning,
    rollout: Rollout,
    config: PPOConfig,
    learning_rate: float,
    parts: Parts,
) -> Origin:
    """Take an update again that met a number which is not finite; say where the first one arose.

    Args:
        model: the policy; it is copied and not changed.
        beginning: of the update.
        rollout: that it learned from.
        config: of the update.
        learning_rate: of the update.
        parts: of the update.
    """
    watched = copy.deepcopy(model)
    parameters = _WatchedParameters(watched)
    with torch.no_grad():
        parameters.vector.copy_(beginning.vector)
    optimizer = _WatchedAdam(parameters, learning_rate, config.adam_epsilon)
    optimizer.restore(beginning.mean, beginning.square, beginning.steps)
    generator = torch.Generator()
    generator.set_state(beginning.chance)
    place = _Place(config, rollout)
    parameters.place = optimizer.place = place
    try:
        _look_at_weights(parameters)
        _look_at_rollout(watched, rollout)
        with LayerWatch(watched, _layer_watcher(place)):
            update(
                watched, parameters, optimizer, rollout, config,
                _watched_parts(config, parts, place), generator,
            )  # fmt: skip
    except _FoundError as found:
        return found.origin
    return Origin(
        "unknown", "it did not come up again when the update was repeated",
        "Run it once more with backend torch, and report it if it comes up again",
    )  # fmt: skip


class _FoundError(Exception):
    """Ends the repeated update."""

    def __init__(self, origin: Origin) -> None:
        super().__init__(origin.words)
        self.origin = origin


@dataclass
class _Place:
    """Counts where in the update we are."""

    config: PPOConfig
    rollout: Rollout
    steps: int = 0  # gradient steps taken

    def found(self, where: str, words: str, mend: str = LOWER) -> _FoundError:
        """What to raise: something arose here."""
        size = int(self.rollout.samples(self.rollout.rewards).numel())
        epoch, minibatch = divmod(self.steps, math.ceil(size / self.config.minibatch_size))
        return _FoundError(Origin(where, words, mend, epoch + 1, minibatch + 1))


class _WatchedParameters(FlatParameters):
    """Looks at each minibatch's gradient before it is shortened, which spreads a NaN to all."""

    place: _Place

    def __init__(self, model: ActorCritic) -> None:
        super().__init__(model)
        self.named = dict(model.named_parameters())

    def shorten_gradient(self, max_norm: float | None) -> Tensor:
        """As always, unless something in the gradient is not finite."""
        # What lies nearest to the loss comes first on the way back, and last among the names.
        for name, parameter in reversed(self.named.items()):
            if parameter.grad is not None and not _finite(parameter.grad):
                raise self.place.found(
                    f"gradient of {name}",
                    f"the losses were finite, yet the gradient of {name} was not",
                    "Look for a function without a slope there, such as a root of 0, or one that "
                    "overflows: " + LOWER[0].lower() + LOWER[1:],
                )  # fmt: skip
        norm = super().shorten_gradient(max_norm)
        if not _finite(norm):
            raise self.place.found(
                "gradient_norm",
                "each slope was finite, yet their squares overflowed when they were added up",
                "Scale the rewards down, or normalize_rewards; the losses are too large",
            )
        return norm


class _WatchedAdam(Adam):
    """Looks at the weights after each step."""

    place: _Place

    def __init__(
        self, parameters: _WatchedParameters, learning_rate: float, epsilon: float
    ) -> None:
        super().__init__(parameters, learning_rate, epsilon)
        self._named = parameters.named

    def step(self) -> None:
        """As always, unless it carries a weight out of range."""
        super().step()
        for name, parameter in self._named.items():
            if not _finite(parameter):
                raise self.place.found(
                    name, f"the gradient was finite, yet the step took {name} out of range",
                    "Lower learning_rate",
                )  # fmt: skip
        self.place.steps += 1


def _watched_parts(config: PPOConfig, parts: Parts, place: _Place) -> Parts:
    """The same functions, each looking at what it gives."""
    policy_loss = parts.policy_loss or policy_loss_for(config)

    def advantages(*arguments: Any) -> Tensor:
        result = parts.advantages(*arguments)
        if not _finite(result):
            raise _FoundError(Origin(
                "advantages", "rewards and values were finite, yet the advantages were not",
                "Scale the rewards down, or normalize_rewards: their sum overflows",
            ))  # fmt: skip
        return result

    def watched_policy_loss(
        log_probs: Tensor, old_log_probs: Tensor, advantages: Tensor, clip_range: float
    ) -> Any:
        if not _finite(log_probs):
            raise place.found(
                "log_probs", "the networks' outputs were finite, yet the log-probabilities were not"
            )
        result = policy_loss(log_probs, old_log_probs, advantages, clip_range)
        if not _finite(result.loss):
            far = "" if _finite(result.ratio) else ", for a ratio overflowed"
            raise place.found("policy_loss", f"the policy loss was not{far}")
        return result

    def value_loss(
        values: Tensor, old_values: Tensor, returns: Tensor, clip_range: float | None
    ) -> Tensor:
        result = parts.value_loss(values, old_values, returns, clip_range)
        if not _finite(result):
            raise place.found(
                "value_loss", "values and returns were finite, yet the value loss was not",
                "Scale the rewards down, or normalize_rewards: its squares overflow",
            )  # fmt: skip
        return result

    return replace(
        parts, advantages=advantages, policy_loss=watched_policy_loss, value_loss=value_loss
    )


def _look_at_weights(parameters: _WatchedParameters) -> None:
    for name, parameter in parameters.named.items():
        if not _finite(parameter):
            raise _FoundError(Origin(
                name, f"{name} was not before this update began",
                "Go back to a checkpoint from before that",
            ))  # fmt: skip


def _look_at_rollout(model: ActorCritic, rollout: Rollout) -> None:
    """Whether what was collected is finite: the earliest step first, and in it what came first."""
    order = ("observations", "values", "log_probs", "rewards")
    firsts = [
        (*first, order.index(name), name)
        for name in order
        if (first := _first_not_finite(rollout, getattr(rollout, name))) is not None
    ]
    if firsts:
        step, row, _, name = min(firsts, key=lambda first: (first[0], first[2]))
        place = f"at step {step + 1} of the rollout in copy {row + 1} of the environment"
        raise _FoundError(_origin_in_rollout(model, rollout, name, step, row, place))
    if not _finite(rollout.last_values):
        raise _FoundError(Origin(
            "observations", "the observation after the rollout's last step was not",
            "Mend the environment's observations",
        ))  # fmt: skip


def _origin_in_rollout(
    model: ActorCritic, rollout: Rollout, name: str, step: int, row: int, place: str
) -> Origin:
    if name == "observations":
        return Origin(name, f"an observation was not, {place}",
                      "Mend the environment's observations")  # fmt: skip
    if name == "rewards":
        value = float(rollout.rewards[step, row])
        after = " or the value of what it was cut off in" if rollout.dones[step, row] else ""
        return Origin(name, f"the reward{after} was {value}, {place}",
                      "Mend the environment's rewards")  # fmt: skip
    try:
        with LayerWatch(model, _layer_watcher(_FoundHere(place))), torch.no_grad():
            model(rollout.observations[step, row : row + 1])
    except _FoundError as found:
        return found.origin
    return Origin(name, f"the {name.replace('_', ' ')} of the acting policy were not, {place}",
                  LOWER)  # fmt: skip


@dataclass
class _FoundHere:
    """Says where in the rollout something arose, as `_Place` does for the update."""

    place: str

    def found(self, where: str, words: str, mend: str = LOWER) -> _FoundError:
        """What to raise."""
        return _FoundError(Origin(where, f"{words}, {self.place}", mend))


def _layer_watcher(place: _Place | _FoundHere) -> Watcher:
    def look(layer: str, kind: str, result: Tensor) -> None:
        if not _finite(result):
            what = f"the output of {layer}" if kind == "linear" else f"the {kind} after {layer}"
            raise place.found(layer, f"its inputs were finite, yet {what} was not")

    return look


def _first_not_finite(rollout: Rollout, values: Tensor) -> tuple[int, int] | None:
    """Step and row of the first of [time, environments, …] that is not finite where one acted."""
    bad = ~torch.isfinite(values.reshape(*values.shape[:2], -1)).all(2)
    if rollout.present is not None:
        bad = bad & rollout.present
    if not bad.any():
        return None
    step, row = divmod(int(bad.flatten().nonzero()[0]), bad.shape[1])
    return step, row


def _finite(values: Tensor) -> bool:
    return bool(torch.isfinite(values.detach()).all())
