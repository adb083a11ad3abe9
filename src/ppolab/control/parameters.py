"""A model's parameters as one vector, and their gradients as another."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class FlatParameters:
    """All parameters of a model as one vector, and all gradients as another.

    The model's own tensors become views, so one fused Adam call and one norm serve all of them:
    for networks this small the number of calls is the cost.
    """

    def __init__(self, model: nn.Module) -> None:
        parameters = list(model.parameters())
        with torch.no_grad():
            self.vector = nn.Parameter(torch.cat([p.flatten() for p in parameters]))
            self.gradient = torch.zeros_like(self.vector)
            self.vector.grad = self.gradient
            offset = 0
            for parameter in parameters:
                end = offset + parameter.numel()
                parameter.data = self.vector.data[offset:end].view_as(parameter)
                parameter.grad = self.gradient[offset:end].view_as(parameter)
                offset = end

    def shorten_gradient(self, max_norm: float | None) -> Tensor:
        """Scale the gradient to at most `max_norm`, if any; return its norm before."""
        norm: Tensor = torch.linalg.vector_norm(self.gradient)
        if max_norm is not None:
            self.gradient.mul_((max_norm / (norm + 1e-6)).clamp_(max=1.0))
        return norm
