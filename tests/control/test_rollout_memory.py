"""What a rollout occupies, and that learning from it holds no second one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict
from torch.utils._python_dispatch import TorchDispatchMode

from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical
from ppolab.control.networks import ActorCritic
from ppolab.control.observations import ObservationLayout
from ppolab.control.optimizer import Adam
from ppolab.control.parameters import FlatParameters
from ppolab.control.rollout import Rollout
from ppolab.control.update import Parts, update

STEPS, ENVIRONMENTS = 64, 4
IMAGE = Box(0, 255, (84, 84, 4), np.uint8)
VECTOR = Box(-1.0, 1.0, (17,), np.float32)
# A space, and the bytes of one observation of it: 4 a float, 1 a pixel.
SPACES = {
    "vector": (VECTOR, 17 * 4),
    "image": (IMAGE, 84 * 84 * 4),
    "mixture": (Dict({"camera": IMAGE, "speeds": VECTOR}), 84 * 84 * 4 + 17 * 4),
}


class Shapes:
    """What a rollout asks of an environment: copies of a space with two actions."""

    masks = None
    present = None

    def __init__(self, space: Any) -> None:
        self.layout, self.distribution = ObservationLayout("none", space), Categorical(2)

    def __len__(self) -> int:
        return ENVIRONMENTS


def occupied(rollout: Rollout) -> int:
    """Bytes of the memory blocks behind a rollout, each counted once."""
    tensors = [value for value in vars(rollout).values() if value is not None]
    blocks = {tensor.untyped_storage().data_ptr(): tensor.untyped_storage() for tensor in tensors}
    return sum(block.nbytes() for block in blocks.values())


@pytest.mark.parametrize("kind", SPACES)
def test_a_rollout_occupies_what_its_numbers_do(kind: str) -> None:
    space, observation_bytes = SPACES[kind]
    rollout = Rollout.allocate(STEPS, Shapes(space))  # type: ignore[arg-type]
    # An action of 8 bytes, for torch indexes with nothing smaller, and four floats beside it:
    # log-probability, reward, end, value.
    least = STEPS * ENVIRONMENTS * (observation_bytes + 8 + 4 * 4)
    assert least <= occupied(rollout) <= 1.05 * least


class Largest(TorchDispatchMode):
    """Notes the most numbers that any operation put into new memory."""

    def __init__(self, known: set[int]) -> None:
        super().__init__()
        self.known = known
        self.numbers = 0

    def __torch_dispatch__(
        self, function: Any, types: Any, arguments: Any = (), named: Any = None
    ) -> Any:
        result = function(*arguments, **(named or {}))
        for tensor in result if isinstance(result, (tuple, list)) else (result,):
            if isinstance(tensor, torch.Tensor) and tensor.layout == torch.strided:
                storage = tensor.untyped_storage()
                if storage.data_ptr() not in self.known:
                    self.numbers = max(self.numbers, storage.nbytes() // tensor.element_size())
        return result


@pytest.mark.parametrize("kind", ["vector", "mixture"])
def test_an_update_copies_observations_by_the_minibatch_only(kind: str) -> None:
    shapes = Shapes(SPACES[kind][0])
    rollout = Rollout.allocate(STEPS, shapes)  # type: ignore[arg-type]
    torch.manual_seed(0)
    model = ActorCritic(shapes.layout, shapes.distribution, 8)
    config = PPOConfig(
        environments=ENVIRONMENTS, rollout_steps=STEPS, minibatch_size=8, epochs=1,
        total_steps=STEPS * ENVIRONMENTS,
    )  # fmt: skip
    parameters = FlatParameters(model)
    optimizer = Adam(parameters, config.learning_rate, config.adam_epsilon)
    weights = parameters.vector.untyped_storage().data_ptr()
    with Largest({weights, rollout.observations.untyped_storage().data_ptr()}) as largest:
        update(model, parameters, optimizer, rollout, config, Parts(), torch.Generator())
    # For images gradients of weights are the largest, and do not grow with the rollout either.
    most = max(8 * shapes.layout.size, len(rollout.rewards.flatten()), len(parameters.vector))
    assert most < rollout.observations.numel() / 2
    assert 8 * shapes.layout.size <= largest.numbers <= most
