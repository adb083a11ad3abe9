"""AdamW on all weights as one vector, with the arithmetic of the networks in bfloat16 if wanted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from ppolab.language.ranks import Ranks


class Optimizer(Protocol):
    """Takes steps along gradients, and can be saved."""

    def step(self, learning_rate: float | None = None) -> Tensor:
        """Take a step along the gradients and clear them; return their norm []."""
        ...

    def state(self) -> dict[str, Tensor]:
        """The weights in full precision and Adam's memory, for a checkpoint."""
        ...

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` returned; other tensors may be among these."""
        ...


class FlatAdamW:
    """Trains modules whose weights it keeps as one vector.

    One fused call then serves all of them. In bfloat16 the modules compute with rounded copies: the
    vector stays float32 and gathers steps that are too small for the copies to show (Micikevicius
    et al. 2018, "Mixed precision training").

    The weights of a module that already shares its tensors with another are counted once.

    Args:
        modules: what to train; their parameters become views of one vector.
        learning_rate: of the first step; `step` takes another.
        dtype: of the modules' arithmetic, float32 or bfloat16.
        betas: Adam's, of the running mean and the running square.
        epsilon: Adam's.
        weight_decay: decoupled; of matrices only, for biases and norms hold scales.
        max_gradient_norm: gradients longer than this are shortened to it; None leaves them.

    Source: Loshchilov and Hutter (2019), "Decoupled weight decay regularization".
    """

    def __init__(
        self,
        modules: Sequence[nn.Module],
        learning_rate: float,
        dtype: torch.dtype = torch.float32,
        betas: tuple[float, float] = (0.9, 0.999),
        epsilon: float = 1e-8,
        weight_decay: float = 0.0,
        max_gradient_norm: float | None = 1.0,
    ) -> None:
        unique = dict.fromkeys(p for m in modules for p in m.parameters() if p.requires_grad)
        ordered = sorted(unique, key=lambda parameter: parameter.ndim < 2)  # matrices first
        self._modules, self._parameters = list(modules), ordered
        decayed = sum(p.numel() for p in ordered if p.ndim >= 2)
        with torch.no_grad():
            self.vector = torch.cat([p.detach().float().flatten() for p in ordered])
            self._compute = self.vector if dtype == torch.float32 else self.vector.to(dtype)
            self._gradient = torch.zeros_like(self._compute)
            offset = 0
            for parameter in ordered:
                end = offset + parameter.numel()
                parameter.data = self._compute[offset:end].view_as(parameter)
                parameter.grad = self._gradient[offset:end].view_as(parameter)
                offset = end
        for module in (inner for outer in modules for inner in outer.modules()):
            for name, buffer in module.named_buffers(recurse=False):
                # What is not saved is a table, such as rotary frequencies; rounding would ruin it.
                table = name in module._non_persistent_buffers_set
                if buffer.is_floating_point() and not table:
                    buffer.data = buffer.data.to(dtype)
        pieces = [self.vector[:decayed], self.vector[decayed:]]
        self._pieces = [piece for piece in pieces if len(piece)]
        decays = [weight_decay] * (decayed > 0) + [0.0] * (decayed < len(self.vector))
        self._adam = torch.optim.AdamW(
            [{"params": [p], "weight_decay": d} for p, d in zip(self._pieces, decays, strict=True)],
            lr=learning_rate, betas=betas, eps=epsilon, fused=True,
        )  # fmt: skip
        self.dtype, self.learning_rate, self.betas = dtype, learning_rate, betas
        self.epsilon, self.weight_decay = epsilon, weight_decay
        self.max_gradient_norm = max_gradient_norm
        self.ranks = Ranks()  # whose gradients are added up

    @torch.no_grad()
    def step(self, learning_rate: float | None = None) -> Tensor:
        """Take a step along the gradients and clear them.

        Returns:
            [], the gradient's norm before it was shortened.
        """
        gradient = self.gathered()
        norm: Tensor = torch.linalg.vector_norm(gradient)
        if self.max_gradient_norm is not None:
            gradient.mul_((self.max_gradient_norm / (norm + 1e-6)).clamp_(max=1.0))
        self.follow(gradient, learning_rate)
        return norm

    def gathered(self) -> Tensor:
        """The gradient [weights] float32 of all ranks; may be the memory that it is kept in."""
        return self.ranks.sum(self._gradient.float())

    @torch.no_grad()
    def follow(self, gradient: Tensor, learning_rate: float | None = None) -> None:
        """Take a step along a gradient [weights] and clear what was gathered."""
        offset = 0
        for piece in self._pieces:
            piece.grad = gradient[offset : offset + len(piece)]
            offset += len(piece)
        if learning_rate is not None:
            for group in self._adam.param_groups:
                group["lr"] = learning_rate
        self._adam.step()
        self._gradient.zero_()
        if self._compute is not self.vector:
            self._compute.copy_(self.vector)

    @torch.no_grad()
    def release(self) -> list[tuple[nn.Module, str]]:
        """Give the weights back, in full precision, each in memory of its own.

        Returns:
            Where each weight of the vector is found, in the vector's order: a module, and its name.
        """
        found: dict[nn.Parameter, tuple[nn.Module, str]] = {}
        for module in (inner for outer in self._modules for inner in outer.modules()):
            for name, parameter in module.named_parameters(recurse=False):
                found.setdefault(parameter, (module, name))
        sizes = [parameter.numel() for parameter in self._parameters]
        for parameter, piece in zip(self._parameters, torch.split(self.vector, sizes), strict=True):
            parameter.grad = None
            parameter.data = piece.view(parameter.shape).clone()
        return [found[parameter] for parameter in self._parameters]

    def like(self, *modules: nn.Module) -> FlatAdamW:
        """The same for other modules; the same ranks."""
        made = FlatAdamW(
            modules, self.learning_rate, self.dtype, self.betas, self.epsilon, self.weight_decay,
            self.max_gradient_norm,
        )  # fmt: skip
        made.ranks = self.ranks
        return made

    def state(self) -> dict[str, Tensor]:
        """The weights in full precision and Adam's memory, for a checkpoint.

        Every name begins with "optimizer.", so that a trainer may keep more beside them.
        """
        tensors = {"optimizer.vector": self.vector.clone()}
        for index, piece in enumerate(self._pieces):
            for name, value in self._adam.state.get(piece, {}).items():
                tensors[f"optimizer.adam.{index}.{name}"] = torch.as_tensor(value).clone()
        return tensors

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` returned; other tensors may be among these."""
        self.vector.copy_(tensors["optimizer.vector"])
        if self._compute is not self.vector:
            self._compute.copy_(self.vector)
        self._adam.state.clear()
        for index, piece in enumerate(self._pieces):
            prefix = f"optimizer.adam.{index}."
            found: dict[str, Any] = {
                name.removeprefix(prefix): value.clone().to(piece.device)
                for name, value in tensors.items()
                if name.startswith(prefix)
            }
            if found:
                self._adam.state[piece] = found
