"""Adam on the flat parameter vector: the step that both back ends take."""

from __future__ import annotations

import torch
from torch import Tensor

from ppolab.control.parameters import FlatParameters

# Kingma & Ba's, which every PPO keeps.
BETA_MEAN, BETA_SQUARE = 0.9, 0.999


class Adam:
    r"""Adam, with ε outside the square root and after its correction, as torch places it.

    $$m \gets \beta_1 m + (1 - \beta_1) g, \qquad v \gets \beta_2 v + (1 - \beta_2) g^2, \qquad
      \theta \gets \theta - \frac{\eta}{1 - \beta_1^t}\,
      \frac{m}{\sqrt{v / (1 - \beta_2^t)} + \epsilon}$$

    TensorFlow 1, in which PPO was first written, adds ε before the correction: there the same
    number is a larger ε early in training (detail 3).

    Args:
        parameters: what is stepped, and its gradient.
        learning_rate: η, of the next step.
        epsilon: ε > 0.

    Attributes:
        mean: m, shaped as the parameter vector.
        square: v, shaped as the parameter vector.

    Source: Kingma & Ba (2015), "Adam: a method for stochastic optimization", algorithm 1.
    """

    def __init__(self, parameters: FlatParameters, learning_rate: float, epsilon: float) -> None:
        self.learning_rate = learning_rate
        self.epsilon = epsilon
        self._vector = parameters.vector.detach()
        self._gradient = parameters.gradient
        self.mean = torch.zeros_like(self._gradient)
        self.square = torch.zeros_like(self._gradient)
        self._steps = torch.zeros((), device=self._vector.device)

    @property
    def steps(self) -> int:
        """t, the steps taken so far."""
        return int(self._steps)

    @steps.setter
    def steps(self, count: int) -> None:
        self._steps.fill_(count)

    def step(self) -> None:
        """Change the parameters by one step along the gradient they hold now."""
        # torch.optim.Adam(fused=True) ends in this very kernel, which passes once over memory.
        # What stands around it there costs 37 of 46 µs a step on 2×64 networks; written as six
        # tensor operations instead, a step takes 26 µs here and thrice as long on a NatureCNN.
        self._steps += 1
        torch._fused_adam_(
            [self._vector], [self._gradient], [self.mean], [self.square], [], [self._steps],
            lr=self.learning_rate, beta1=BETA_MEAN, beta2=BETA_SQUARE, weight_decay=0.0,
            eps=self.epsilon, amsgrad=False, maximize=False,
        )  # fmt: skip

    def restore(self, mean: Tensor, square: Tensor, steps: int) -> None:
        """Go on from a memory that was kept; the tensors are copied."""
        self.mean.copy_(mean)
        self.square.copy_(square)
        self.steps = steps

    def forget(self) -> None:
        """Go back to the beginning, when nothing had been seen."""
        self.mean.zero_()
        self.square.zero_()
        self.steps = 0
