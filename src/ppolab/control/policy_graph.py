"""A trained policy as one pure function from what an environment shows to what it should be given.

Around the networks it holds all that training kept elsewhere: how parts of an observation are laid
side by side, their normalisation as training left it, and the bounds of actions.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from ppolab.control.distributions import (
    Bernoulli,
    Categorical,
    DiagonalGaussian,
    Distribution,
    MultiCategorical,
)
from ppolab.control.networks import ActorCritic, Encoder
from ppolab.control.normalization import Scale
from ppolab.control.observations import ObservationLayout, Part
from ppolab.errors import InvalidSettingError

MASK = "action_mask"
STATE = "state"
NEXT_STATE = "next_state"


@dataclass(frozen=True)
class Port:
    """An input or output of the function; the batch comes before `shape`."""

    name: str
    shape: tuple[int, ...]
    dtype: torch.dtype
    words: str


class PolicyGraph(nn.Module):
    """Observations, and where there are any masks and memory, to everything a policy can tell.

    Actions are the likeliest ones, as the environment takes them: counted from where its space
    begins, and within its bounds.

    Args:
        model: the policy; it is copied.
        layout: of the observations it was trained on.
        scale: how they were normalised; None: not at all.
        masked: whether the environment forbids actions.

    Raises:
        InvalidSettingError: actions of a kind that is not known here.
    """

    mean: Tensor
    spread: Tensor
    low: Tensor
    high: Tensor

    def __init__(
        self, model: ActorCritic, layout: ObservationLayout, scale: Scale | None, masked: bool
    ) -> None:
        super().__init__()
        self.layout = layout
        self.masked = masked
        self._model = copy.deepcopy(model).eval().requires_grad_(False)
        encoders = [module for module in self._model.modules() if isinstance(module, Encoder)]
        for encoder in encoders:
            # What comes in pieces need not be laid into a row of bytes and taken out again.
            encoder.layout = cast(ObservationLayout, _TakenApart(layout.parts))
        self._encodes = bool(encoders)
        self._distribution: Distribution = model.distribution
        self._scaled = scale is not None
        if scale is not None:
            # In double precision, as training does it.
            self.register_buffer("mean", torch.from_numpy(scale.mean))
            self.register_buffer("spread", torch.from_numpy(scale.spread))
            self._clip = scale.clip
        if isinstance(self._distribution, DiagonalGaussian):
            self.register_buffer("low", torch.from_numpy(np.asarray(self._distribution.low)))
            self.register_buffer("high", torch.from_numpy(np.asarray(self._distribution.high)))
        self.outputs = [
            *_told(self._distribution),
            Port("value", (), torch.float32, "what the critic expects of the discounted future"),
        ]
        self.inputs = [_input(layout, part) for part in layout.parts]
        if masked:
            count = self._distribution.parameter_count
            self.inputs.append(Port(MASK, (count,), torch.bool, "false for forbidden actions"))
        if model.state_size:
            words = "what is remembered; zeros at the first step of an episode"
            state = Port(STATE, (model.state_size,), torch.float32, words)
            self.inputs.append(state)
            words = "what to give as state at the next step"
            self.outputs.append(Port(NEXT_STATE, state.shape, state.dtype, words))

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Map inputs to outputs, in the order of `inputs` and `outputs`, [batch, …] each."""
        rest = list(inputs[len(self.layout.parts) :])
        mask = rest.pop(0) if self.masked else None
        pieces = {
            part.name: _one_hot(part, piece) if part.one_hot else piece
            for part, piece in zip(self.layout.parts, inputs, strict=False)
        }
        if self.layout.flat:
            pieces = self._normalized(pieces)
        rows: Any = pieces if self._encodes else _flat(pieces)
        if self._model.memory is None:
            parameters, values = self._model(rows, mask)
            return (*self._tell(parameters), values)
        parameters, values, state = self._model.step(rows, rest[0], mask)
        return (*self._tell(parameters), values, state)

    def inputs_of(
        self, rows: Tensor, masks: Tensor | None = None, states: Tensor | None = None
    ) -> tuple[Tensor, ...]:
        """What stands for rows [batch, row] of an environment, and what belongs to them."""
        pieces = self.layout.split(rows)
        found = [_chosen(part, pieces[part.name]) for part in self.layout.parts]
        return tuple(found + [one for one in (masks, states) if one is not None])

    def _normalized(self, pieces: dict[str, Tensor]) -> dict[str, Tensor]:
        if not self._scaled:
            return pieces
        row = (_flat(pieces).double() - self.mean) / self.spread
        return self.layout.split(row.clamp(-self._clip, self._clip).float())

    def _tell(self, parameters: Tensor) -> tuple[Tensor, ...]:
        """What `_told` names, of a distribution's parameters."""
        distribution = self._distribution
        if isinstance(distribution, Categorical):
            action = distribution.mode(parameters) + distribution.start
            return torch.softmax(parameters, 1), action
        if isinstance(distribution, MultiCategorical):
            parts = torch.split_with_sizes(parameters, distribution.counts, dim=1)
            return (torch.cat([torch.softmax(part, 1) for part in parts], 1),
                    distribution.mode(parameters))  # fmt: skip
        if isinstance(distribution, Bernoulli):
            return torch.sigmoid(parameters), distribution.mode(parameters).to(torch.int8)
        mean, log_std = parameters.chunk(2, 1)
        shape = (-1, *distribution.action_shape)
        mean, std = mean.reshape(shape), log_std.exp().reshape(shape)
        return mean, std, torch.clamp(mean, self.low, self.high)


@dataclass(frozen=True)
class _TakenApart:
    """Stands for a layout where the pieces come instead of rows."""

    parts: tuple[Part, ...]

    def split(self, pieces: dict[str, Tensor]) -> dict[str, Tensor]:
        return pieces


def _told(distribution: Distribution) -> list[Port]:
    """What is told about a policy's actions."""
    shape = distribution.action_shape
    numbers = (distribution.parameter_count,)
    if isinstance(distribution, Categorical):
        return [
            Port("action_probabilities", numbers, torch.float32, "of each choice"),
            Port("action", shape, torch.int64, "the likeliest choice"),
        ]
    if isinstance(distribution, MultiCategorical):
        words = f"of each option, of {len(distribution.counts)} choices one after the other"
        return [
            Port("action_probabilities", numbers, torch.float32, words),
            Port("action", shape, torch.int64, "the likeliest option of each choice"),
        ]
    if isinstance(distribution, Bernoulli):
        return [
            Port("action_probabilities", numbers, torch.float32, "of each switch being on"),
            Port("action", shape, torch.int8, "1 where on is the likelier"),
        ]
    if isinstance(distribution, DiagonalGaussian):
        return [
            Port("action_mean", shape, torch.float32, "before the bounds cut it"),
            Port("action_std", shape, torch.float32, "of what is drawn in training"),
            Port("action", shape, torch.float32, "the mean within the environment's bounds"),
        ]
    raise InvalidSettingError(
        "policy", type(distribution).__name__, "draws actions of a kind that cannot be exported",
        "Discrete, MultiDiscrete, MultiBinary and Box actions can",
    )  # fmt: skip


def _input(layout: ObservationLayout, part: Part) -> Port:
    name = "observation" if layout.single else f"observation_{part.name}".replace("/", "_")
    if part.one_hot:
        words = "choices counted from 0, a column each"
        return Port(name, (len(part.one_hot),), torch.int64, words)
    if part.image:
        return Port(name, part.shape, torch.uint8, "an image as the environment shows it")
    return Port(name, part.shape, torch.float32, "in the environment's own units")


def _one_hot(part: Part, choices: Tensor) -> Tensor:
    """Choices [batch, choices] as the numbers that stand for them, [batch, numbers]."""
    hots = [nn.functional.one_hot(choices[:, i], count) for i, count in enumerate(part.one_hot)]
    return torch.cat(hots, 1).float()


def _chosen(part: Part, numbers: Tensor) -> Tensor:
    """The reverse of `_one_hot`; images and vectors as they are."""
    if not part.one_hot:
        return numbers
    parts = torch.split_with_sizes(numbers, list(part.one_hot), dim=1)
    return torch.stack([one.argmax(1) for one in parts], 1)


def _flat(pieces: dict[str, Tensor]) -> Tensor:
    """Pieces [batch, …] side by side, [batch, numbers]."""
    return torch.cat([piece.flatten(1) for piece in pieces.values()], 1)
