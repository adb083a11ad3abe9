"""What a policy samples from: one distribution for each kind of Gymnasium action space.

A network gives `parameters` [batch, parameter_count]; a distribution turns them into actions,
log-probabilities and entropies. Nothing here has weights or state.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Discrete, MultiBinary, MultiDiscrete
from numpy.typing import NDArray
from torch import Tensor

from ppolab.errors import InvalidSettingError

LOG_2PI = math.log(2 * math.pi)


class Distribution(Protocol):
    """A family of distributions over the actions of one space."""

    @property
    def parameter_count(self) -> int:
        """Numbers the network gives per sample."""
        ...

    @property
    def action_shape(self) -> tuple[int, ...]:
        """Shape of one action."""
        ...

    @property
    def action_dtype(self) -> torch.dtype:
        """Type of stored actions."""
        ...

    def sample(self, parameters: Tensor, generator: torch.Generator) -> Tensor:
        """Draw one action per row, [batch, *action_shape]."""
        ...

    def mode(self, parameters: Tensor) -> Tensor:
        """The most likely action of each row, [batch, *action_shape]."""
        ...

    def evaluate(self, parameters: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability (or log-density) of given actions and entropy, [batch] each, nats."""
        ...

    def to_environment(self, actions: NDArray[Any]) -> NDArray[Any]:
        """What the environment is given for [batch] of stored actions."""
        ...


class Categorical:
    """One of `count` actions; parameters are logits."""

    action_shape = ()
    action_dtype = torch.int64

    def __init__(self, count: int, start: int = 0) -> None:
        self.parameter_count = count
        self.start = start

    def sample(self, parameters: Tensor, generator: torch.Generator) -> Tensor:
        """Draw by the Gumbel trick: the largest logit after adding Gumbel noise, [batch]."""
        uniform = torch.rand(parameters.shape, generator=generator, device=parameters.device)
        noise = -torch.log(-torch.log(uniform.clamp_(min=1e-20, max=1 - 1e-7)))
        return (parameters + noise).argmax(1)

    def mode(self, parameters: Tensor) -> Tensor:
        """The action with the largest logit, [batch]."""
        return parameters.argmax(1)

    def evaluate(self, parameters: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability of each action and −Σ p log p of each row, [batch] each, nats."""
        log_probs = torch.log_softmax(parameters, dim=1)  # [batch, actions]
        entropy = -(log_probs.exp() * log_probs).sum(1)
        return log_probs.gather(1, actions.unsqueeze(1)).squeeze(1), entropy

    def to_environment(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Actions counted from where the space begins."""
        return actions + self.start if self.start else actions


class MultiCategorical:
    """Several independent choices at once (detail 37); parameters are all their logits in a row."""

    action_dtype = torch.int64

    def __init__(self, counts: list[int]) -> None:
        self.parameter_count = sum(counts)
        self.action_shape = (len(counts),)
        self.counts = counts
        self._choices = [Categorical(count) for count in counts]

    def sample(self, parameters: Tensor, generator: torch.Generator) -> Tensor:
        """Draw each choice, [batch, choices]."""
        parts = self._parts(parameters)
        return torch.stack([choice.sample(part, generator) for choice, part in parts], dim=1)

    def mode(self, parameters: Tensor) -> Tensor:
        """The most likely option of each choice, [batch, choices]."""
        return torch.stack([choice.mode(part) for choice, part in self._parts(parameters)], dim=1)

    def evaluate(self, parameters: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Sums of the choices' log-probabilities and of their entropies, [batch] each, nats."""
        terms = [
            choice.evaluate(part, actions[:, i])
            for i, (choice, part) in enumerate(self._parts(parameters))
        ]
        log_probs, entropies = zip(*terms, strict=True)
        return torch.stack(log_probs).sum(0), torch.stack(entropies).sum(0)

    def to_environment(self, actions: NDArray[Any]) -> NDArray[Any]:
        """The same."""
        return actions

    def _parts(self, parameters: Tensor) -> list[tuple[Categorical, Tensor]]:
        parts = torch.split_with_sizes(parameters, self.counts, dim=1)
        return list(zip(self._choices, parts, strict=True))


class Bernoulli:
    """Several independent yes-or-no choices; parameters are the logits of yes."""

    action_dtype = torch.int64

    def __init__(self, count: int) -> None:
        self.parameter_count = count
        self.action_shape = (count,)

    def sample(self, parameters: Tensor, generator: torch.Generator) -> Tensor:
        """Draw each choice, [batch, choices] of 0 and 1."""
        uniform = torch.rand(parameters.shape, generator=generator, device=parameters.device)
        return (uniform < torch.sigmoid(parameters)).long()

    def mode(self, parameters: Tensor) -> Tensor:
        """Yes where it is the more likely answer, [batch, choices]."""
        return (parameters > 0).long()

    def evaluate(self, parameters: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Sums of the choices' log-probabilities and of their entropies, [batch] each, nats."""
        yes = torch.sigmoid(parameters)
        log_yes = torch.nn.functional.logsigmoid(parameters)
        log_no = torch.nn.functional.logsigmoid(-parameters)
        chosen = torch.where(actions.bool(), log_yes, log_no).sum(1)
        return chosen, -(yes * log_yes + (1.0 - yes) * log_no).sum(1)

    def to_environment(self, actions: NDArray[Any]) -> NDArray[Any]:
        """The same, as small integers."""
        return actions.astype(np.int8)


class DiagonalGaussian:
    """Independent normal distributions (details 23–25); parameters are means, then log-stds.

    The stored action is the one that was drawn; only the environment's copy is clipped to the
    space's bounds (detail 27), for the log-probability belongs to what was drawn.
    """

    action_dtype = torch.float32

    def __init__(self, low: NDArray[np.float32], high: NDArray[np.float32]) -> None:
        self.action_shape = low.shape
        self._count = int(np.prod(low.shape))
        self.parameter_count = 2 * self._count
        self.low, self.high = low, high  # [*action_shape], of what the environment is given

    def sample(self, parameters: Tensor, generator: torch.Generator) -> Tensor:
        """Draw mean + std · noise, [batch, *action_shape]."""
        mean, log_std = parameters[:, : self._count], parameters[:, self._count :]
        noise = torch.randn(mean.shape, generator=generator, device=mean.device)
        return (mean + log_std.exp() * noise).reshape(-1, *self.action_shape)

    def mode(self, parameters: Tensor) -> Tensor:
        """The means, [batch, *action_shape]."""
        return parameters[:, : self._count].reshape(-1, *self.action_shape)

    def evaluate(self, parameters: Tensor, actions: Tensor) -> tuple[Tensor, Tensor]:
        """Sums of the components' log-densities and of their entropies, [batch] each, nats.

        The entropy of a density may be negative.
        """
        mean, log_std = parameters[:, : self._count], parameters[:, self._count :]
        z = (actions.flatten(1) - mean) * torch.exp(-log_std)
        log_density = (-0.5 * (z.square() + LOG_2PI) - log_std).sum(1)
        return log_density, (log_std + 0.5 * (1.0 + LOG_2PI)).sum(1)

    def to_environment(self, actions: NDArray[Any]) -> NDArray[Any]:
        """Actions within the bounds."""
        clipped: NDArray[Any] = np.clip(actions, self.low, self.high)
        return clipped


def distribution_for(environment_id: str, space: gymnasium.Space[Any]) -> Distribution:
    """The distribution for an action space.

    Raises:
        InvalidSettingError: a space that no distribution here covers.
    """
    if isinstance(space, Discrete):
        return Categorical(int(space.n), int(space.start))
    if isinstance(space, MultiDiscrete) and space.nvec.ndim == 1 and not space.start.any():
        return MultiCategorical([int(count) for count in space.nvec])
    if isinstance(space, MultiBinary) and len(space.shape) == 1:
        return Bernoulli(int(space.shape[0]))
    if isinstance(space, Box) and space.shape and np.issubdtype(space.dtype, np.floating):
        return DiagonalGaussian(space.low, space.high)
    raise InvalidSettingError(
        "environment", environment_id, f"has actions of {space}, which no policy here covers",
        "Choose an environment with Discrete, MultiDiscrete, MultiBinary or Box actions",
    )  # fmt: skip
