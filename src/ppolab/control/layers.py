"""Watching a network's layers while it computes, whatever modules it is made of."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

# Of a layer's name, what was computed ("linear", "tanh" or "relu") and the result.
Watcher = Callable[[str, str, Tensor], None]

_LAYERS = (F.linear, F.conv2d)
_ACTIVATIONS = {torch.tanh: "tanh", F.tanh: "tanh", torch.relu: "relu", F.relu: "relu"}


class LayerWatch(TorchFunctionMode):
    """While it is entered, tells a watcher what each layer of a model computes.

    A layer is known by the weight it multiplies with, and an activation by the layer before it.
    Hooks on modules would miss layers whose weights are used directly, as `MLP` does for speed.

    Example:
        >>> with LayerWatch(model, lambda layer, kind, result: print(layer, kind)):
        ...     model(rows)
        actor.first linear
        actor.first tanh
    """

    def __init__(self, model: nn.Module, watcher: Watcher) -> None:
        super().__init__()
        self._names = {
            id(parameter): name.removesuffix(".weight")
            for name, parameter in model.named_parameters()
        }
        self._watcher = watcher
        self._layer: str | None = None

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Compute what was asked for, and tell."""
        result = func(*args, **(kwargs or {}))
        if func in _LAYERS and id(args[1]) in self._names:
            self._layer = self._names[id(args[1])]
            self._watcher(self._layer, "linear", result)
        elif func in _ACTIVATIONS and self._layer is not None:
            self._watcher(self._layer, _ACTIVATIONS[func], result)
        return result
