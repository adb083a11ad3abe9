"""Fully sharded data parallelism: each rank keeps a part of the weights and of Adam's memory.

The parts of a layer are gathered when it is about to compute and dropped afterwards (FSDP2 of
torch; Rajbhandari et al. 2020, "ZeRO: memory optimizations toward training trillion parameter
models", stage 3). Small parts without a language model in them, heads, stay whole on each rank.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh, init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from ppolab.cluster.data_parallel import ProcessRanks
from ppolab.language.models import LanguageModel
from ppolab.language.optimizer import FlatAdamW, Optimizer
from ppolab.language.ranks import Ranks
from ppolab.language.tokens import TokenBatch

_MEMORY = ("exp_avg", "exp_avg_sq")  # what Adam remembers of each weight


class ShardedRanks(ProcessRanks):
    """Ranks that share not only the batch but the weights, gradients and Adam's memory."""

    def __init__(self) -> None:
        super().__init__()
        self._mesh = init_device_mesh(self._device.type, (self.size,))
        self._models: list[LanguageModel] = []

    def adopt(self, optimizer: FlatAdamW, models: Sequence[LanguageModel]) -> Optimizer:
        """Cut these models among the ranks, and their optimizer with them."""
        super().adopt(optimizer, models)
        self._models = list(models)
        return ShardedAdamW(optimizer, models, self._mesh, self)

    @contextmanager
    def reading(self, *models: LanguageModel | None) -> Iterator[None]:
        """Have all weights on each rank for a while, so that ranks need not keep step.

        They write responses of different lengths, and one that is done could not serve the others.
        """
        parts = [part for model in self._models for part in _parts(model)]
        for part in parts:
            part.set_reshard_after_forward(False, recurse=False)
            part.unshard()
        try:
            yield
        finally:
            for part in parts:
                # A model's own weights stay: logits are made after its forward pass.
                part.set_reshard_after_forward(not isinstance(part, LanguageModel), recurse=False)
                part.reshard()


class ShardedAdamW:
    """Does to shards what `FlatAdamW` does to whole weights; its checkpoints are the same.

    Args:
        whole: the optimizer that it takes the place of; its weights are given back.
        models: which of its weights are sharded; the others stay whole.
        mesh: of the ranks.
        ranks: the same ranks.
    """

    def __init__(
        self,
        whole: FlatAdamW,
        models: Sequence[LanguageModel],
        mesh: DeviceMesh,
        ranks: Ranks,
    ) -> None:
        self._ranks, self._mesh = ranks, mesh
        self._max_norm = whole.max_gradient_norm
        memory = whole.state()
        places = whole.release()
        for model in models:
            _shard(model, mesh, whole.dtype)
        weights = [getattr(module, name) for module, name in places]
        self._shapes = [weight.shape for weight in weights]
        self._shards = {i: w for i, w in enumerate(weights) if isinstance(w, DTensor)}
        self._locals = {i: w.to_local().detach() for i, w in self._shards.items()}
        self._rest = [i for i in range(len(weights)) if i not in self._shards]
        rest = nn.ParameterList(weights[i] for i in self._rest)
        self._small = whole.like(rest) if self._rest else None
        groups = [
            ([p for i, p in self._locals.items() if len(self._shapes[i]) >= 2], whole.weight_decay),
            ([p for i, p in self._locals.items() if len(self._shapes[i]) < 2], 0.0),
        ]
        self._adam = torch.optim.AdamW(
            [{"params": params, "weight_decay": decay} for params, decay in groups if params],
            lr=whole.learning_rate, betas=whole.betas, eps=whole.epsilon, fused=True,
        )  # fmt: skip
        self.restore(memory)

    @torch.no_grad()
    def step(self, learning_rate: float | None = None) -> Tensor:
        """Take a step along the gradients and clear them; return their norm []."""
        gradients = []
        for place, weight in self._shards.items():
            local, gradient = self._locals[place], weight.grad
            local.grad = torch.zeros_like(local)
            if gradient is not None:
                assert isinstance(gradient, DTensor)
                local.grad.copy_(gradient.to_local())
            weight.grad = None
            gradients.append(local.grad)
        small = torch.zeros(0) if self._small is None else self._small.gathered()
        squares = torch.stack([gradient.square().sum() for gradient in gradients]).sum()
        norm = (self._ranks.sum(squares) + small.square().sum().to(squares.device)).sqrt()
        if self._max_norm is not None:
            share = (self._max_norm / (norm + 1e-6)).clamp_(max=1.0)
            for gradient in gradients if self._small is None else [*gradients, small]:
                gradient.mul_(share)
        if learning_rate is not None:
            for group in self._adam.param_groups:
                group["lr"] = learning_rate
        self._adam.step()
        self._adam.zero_grad()
        if self._small is not None:
            self._small.follow(small, learning_rate)
        return norm

    @torch.no_grad()
    def state(self) -> dict[str, Tensor]:
        """The whole weights and Adam's memory, gathered from all ranks, as `FlatAdamW` has them."""
        columns: dict[str, list[Tensor]] = {}
        step: Tensor | None = None
        small: dict[str, list[Tensor]] = {}
        if self._small is not None:
            small = _columns(self._small.state(), [self._shapes[i] for i in self._rest])
        for name in ("vector", *_MEMORY):
            parts = dict(zip(self._rest, small.get(name, []), strict=name in small))
            for place, local in self._locals.items():
                known = self._adam.state.get(local, {})
                step = known.get("step", step)
                if name == "vector" or name in known:
                    parts[place] = self._whole(place, local if name == "vector" else known[name])
            if parts:
                columns[name] = [parts[i] for i in sorted(parts)]
        return _named(columns, self._shapes, step)

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go back to what `state` returned, here or in `FlatAdamW`."""
        columns = _columns(tensors, self._shapes)
        step = tensors.get("optimizer.adam.0.step")
        if self._small is not None:
            rest = {name: [column[i] for i in self._rest] for name, column in columns.items()}
            self._small.restore(_named(rest, [self._shapes[i] for i in self._rest], step))
        self._adam.state.clear()
        for place, local in self._locals.items():
            local.copy_(self._part(place, columns["vector"][place]))
            if step is not None:
                self._adam.state[local] = {
                    "step": step.clone().to(local.device),
                    **{name: self._part(place, columns[name][place]) for name in _MEMORY},
                }

    def _whole(self, place: int, local: Tensor) -> Tensor:
        """Put the ranks' parts of a weight, or of what goes with it, together."""
        shape = self._shapes[place]
        like = self._shards[place]
        parts = DTensor.from_local(
            local, self._mesh, like.placements, shape=shape, stride=like.stride()
        )
        whole: Tensor = parts.full_tensor()
        return whole

    def _part(self, place: int, whole: Tensor) -> Tensor:
        """This rank's part of a whole weight."""
        like = self._shards[place]
        whole = whole.to(like.device)
        part: Tensor = (
            distribute_tensor(whole, self._mesh, like.placements, src_data_rank=None)
            .to_local()
            .clone()
        )
        return part


def _columns(
    tensors: Mapping[str, Tensor], shapes: Sequence[torch.Size]
) -> dict[str, list[Tensor]]:
    """Take a checkpoint of `FlatAdamW` apart: the weights, and what Adam remembers of each."""
    sizes = [shape.numel() for shape in shapes]
    flat = {"vector": tensors["optimizer.vector"]}
    for name in _MEMORY:
        pieces = [tensors[key] for key in (f"optimizer.adam.{i}.{name}" for i in (0, 1))
                  if key in tensors]  # fmt: skip
        if pieces:
            flat[name] = torch.cat(pieces)
    return {
        name: [
            part.view(shape) for part, shape in zip(torch.split(vector, sizes), shapes, strict=True)
        ]
        for name, vector in flat.items()
    }


def _named(
    columns: Mapping[str, Sequence[Tensor]], shapes: Sequence[torch.Size], step: Tensor | None
) -> dict[str, Tensor]:
    """Put a checkpoint of `FlatAdamW` together: matrices are its first piece, the rest another."""
    named = {"optimizer.vector": _flat(columns["vector"])}
    is_matrix = [len(shape) >= 2 for shape in shapes]
    kinds = [kind for kind in (True, False) if kind in is_matrix]
    for index, kind in enumerate(kinds if step is not None else ()):
        assert step is not None
        named[f"optimizer.adam.{index}.step"] = step.clone()
        for name in _MEMORY:
            named[f"optimizer.adam.{index}.{name}"] = _flat(
                [part for part, of in zip(columns[name], is_matrix, strict=True) if of is kind]
            )
    return named


def _flat(parts: Sequence[Tensor]) -> Tensor:
    return torch.cat([part.reshape(-1) for part in parts]) if parts else torch.zeros(0)


def _shard(model: LanguageModel, mesh: DeviceMesh, dtype: torch.dtype) -> None:
    """Cut a model among the ranks, layer by layer."""
    rounding = MixedPrecisionPolicy(
        param_dtype=None if dtype == torch.float32 else dtype, reduce_dtype=torch.float32,
        cast_forward_inputs=False,
    )  # fmt: skip
    lists = [module for module in model.modules() if isinstance(module, nn.ModuleList)]
    for layer in max(lists, key=len, default=[]):  # the longest list is that of the layers
        fully_shard(layer, mesh=mesh, mp_policy=rounding)
    fully_shard(model, mesh=mesh, mp_policy=rounding)
    for part in _parts(model):
        part.set_gradient_divide_factor(1.0)  # gradients are added up, not averaged,
        part.set_force_sum_reduction_for_comms(True)  # in a way that gloo knows too
    with torch.no_grad():  # the first call tells FSDP what the outermost part is
        model(TokenBatch.from_sequences([[0, 0]]))
    for part in _parts(model):
        part.reshard()


def _parts(model: LanguageModel) -> list[FSDPModule]:
    """What is gathered and dropped as a whole: the layers, and the model with what is left."""
    return [module for module in model.modules() if isinstance(module, FSDPModule)]
