"""Networks of the actor and the critic, for vectors, images and mixtures of both."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 – the field's own abbreviation
from gymnasium.spaces import Box
from torch import Tensor, nn

from ppolab.control.distributions import Categorical, DiagonalGaussian, Distribution
from ppolab.control.memory import Memory, Stretches
from ppolab.control.observations import ObservationLayout, Part
from ppolab.errors import InvalidSettingError

Layer = TypeVar("Layer", nn.Linear, nn.Conv2d)
MASKED = -1e8  # logit of a forbidden action: probability 0 in every float type, gradient finite


class MLP(nn.Module):
    """Two hidden tanh layers and a linear output.

    Weights are orthogonal with gain √2, the output's gain is given (Huang et al. 2022, detail 2).

    Attributes:
        activation: of the hidden layers.
    """

    activation: Callable[[Tensor], Tensor]

    def __init__(self, inputs: int, hidden: int, outputs: int, output_gain: float) -> None:
        super().__init__()
        self.first = orthogonal(nn.Linear(inputs, hidden), math.sqrt(2))
        self.second = orthogonal(nn.Linear(hidden, hidden), math.sqrt(2))
        self.output = orthogonal(nn.Linear(hidden, outputs), output_gain)
        self.activation = torch.tanh

    def forward(self, x: Tensor) -> Tensor:
        """Map [batch, inputs] to [batch, outputs]."""
        x = self.activation(F.linear(x, self.first.weight, self.first.bias))
        x = self.activation(F.linear(x, self.second.weight, self.second.bias))
        return F.linear(x, self.output.weight, self.output.bias)


class NatureCNN(nn.Module):
    """The three convolutions of Mnih et al. (2015), then a layer of `features` units (detail 21).

    Pixels are divided by 255 (detail 22), or by what is brightest.
    """

    def __init__(self, part: Part, features: int) -> None:
        super().__init__()
        self._channels_last, self._brightest = _channels_last(part), part.brightest
        channels, height, width = _image_shape(part)
        gain = math.sqrt(2)
        self.convolutions = nn.Sequential(
            orthogonal(nn.Conv2d(channels, 32, 8, stride=4), gain), nn.ReLU(),
            orthogonal(nn.Conv2d(32, 64, 4, stride=2), gain), nn.ReLU(),
            orthogonal(nn.Conv2d(64, 64, 3, stride=1), gain), nn.ReLU(),
            nn.Flatten(),
        )  # fmt: skip
        for parameter in self.convolutions.parameters():
            if parameter.ndim == 4:
                # The layout in which CPUs convolve fastest.
                parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)
        with torch.no_grad():
            flat = self.convolutions(torch.zeros(1, channels, height, width)).shape[1]
        self.dense = orthogonal(nn.Linear(flat, features), gain)

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 images [batch, *shape] to [batch, features]."""
        if self._channels_last:
            images = images.permute(0, 3, 1, 2)
        if torch.is_autocast_enabled("cpu"):
            return F.relu(self.dense(self._convolve_half(images)))
        pixels = images.to(torch.float32, memory_format=torch.channels_last) / self._brightest
        return F.relu(self.dense(self.convolutions(pixels)))

    def _convolve_half(self, images: Tensor) -> Tensor:
        """The convolutions where they compute in bfloat16: [batch, flat].

        Bytes fit into bfloat16 without loss and their fractions do not, so the first weights are
        divided instead of the pixels, which is nearer to float32 and quicker.
        """
        first = self.convolutions[0]
        assert isinstance(first, nn.Conv2d)
        weight = first.weight / self._brightest
        x = F.conv2d(_half_pixels(images), weight, first.bias, first.stride)
        x = self.convolutions[1:-1](x)
        if x.requires_grad:
            # Flattening hands the slope back with channels first, which ReLU is slow to mix.
            x.register_hook(lambda slope: slope.contiguous(memory_format=torch.channels_last))
        flat: Tensor = x.flatten(1)
        return flat


class Head(nn.Linear):
    """A linear layer in float32, also where the encoder before it computes in bfloat16.

    A value of 20 would be rounded to a multiple of 1/8 there; it costs next to nothing not to.
    """

    def forward(self, features: Tensor) -> Tensor:
        """Map [batch, features] to [batch, outputs]."""
        with torch.autocast("cpu", enabled=False):
            return super().forward(features.float())


class SmallCNN(nn.Module):
    """One convolution of 16 filters over 3×3 cells, then a layer of `features` units.

    For images of a few cells, which NatureCNN's strides would step over: the network that Young &
    Tian (2019, "MinAtar") use on 10×10.
    """

    def __init__(self, part: Part, features: int) -> None:
        super().__init__()
        self._channels_last, self._brightest = _channels_last(part), part.brightest
        channels, height, width = _image_shape(part)
        if min(height, width) < 3:
            raise InvalidSettingError(
                "observation", f"{height}×{width} image", "is too small for the network",
                "At least 3×3 cells are needed; show less as a vector of floats",
            )  # fmt: skip
        gain = math.sqrt(2)
        self.convolution = orthogonal(nn.Conv2d(channels, 16, 3), gain)
        self.dense = orthogonal(nn.Linear(16 * (height - 2) * (width - 2), features), gain)

    def forward(self, images: Tensor) -> Tensor:
        """Map uint8 images [batch, *shape] to [batch, features]."""
        if self._channels_last:
            images = images.permute(0, 3, 1, 2)
        cells = images.to(torch.float32, memory_format=torch.channels_last)
        if self._brightest != 1.0:
            cells = cells / self._brightest
        found = F.relu(self.convolution(cells))
        # Flattened in the order in which they lie, filters last, for nothing to be copied.
        return F.relu(self.dense(found.permute(0, 2, 3, 1).flatten(1)))


def image_network(part: Part, features: int | None = None) -> NatureCNN | SmallCNN:
    """The network for an image; by default with as many features as its source has.

    NatureCNN needs 36 pixels, for its last convolution to have one left: 36 → 8 → 3 → 1.
    """
    _, height, width = _image_shape(part)
    if min(height, width) < 36:
        return SmallCNN(part, features or 128)
    return NatureCNN(part, features or 512)


class Encoder(nn.Module):
    """Turns rows of observations into features: images by a network each, vectors as they are."""

    def __init__(self, layout: ObservationLayout, image_features: int | None = None) -> None:
        super().__init__()
        self.layout = layout
        networks = {_key(p): image_network(p, image_features) for p in layout.parts if p.image}
        self.images = nn.ModuleDict(networks)
        vectors = sum(part.count for part in layout.parts if not part.image)
        self.size = vectors + sum(network.dense.out_features for network in networks.values())

    def head(self, hidden: int, outputs: int, gain: float) -> nn.Module:
        """A network from the features to outputs: linear for images alone, as in detail 21.

        Beside a vector it has hidden layers, for a linear one could not let the vector change what
        the image means.
        """
        if all(part.image for part in self.layout.parts):
            return orthogonal(Head(self.size, outputs), gain)
        return MLP(self.size, hidden, outputs, gain)

    def forward(self, rows: Tensor) -> Tensor:
        """Map rows [batch, size] to [batch, features]."""
        pieces = self.layout.split(rows)
        return torch.cat(
            [
                self.images[_key(part)](pieces[part.name])
                if part.image
                else pieces[part.name].flatten(1)
                for part in self.layout.parts
            ],
            dim=1,
        )


class Blinkered(nn.Module):
    """A network that sees only the beginning of each row; the rest is for the critic alone."""

    def __init__(self, size: int, network: nn.Module) -> None:
        super().__init__()
        self.size = size
        self.network = network

    def forward(self, rows: Tensor) -> Tensor:
        """Map the first `size` entries of [batch, row] to [batch, outputs]."""
        outputs: Tensor = self.network(rows[:, : self.size])
        return outputs


class ActorCritic(nn.Module):
    """A policy and a value function.

    For vectors they are separate MLPs (detail 13), or heads on two layers with `shared_layers`.
    With images they share one encoder and have a head each, as in the Atari experiments, unless
    `shared` is False.
    With a memory they share everything but a linear head: what is seen is encoded, what was seen
    before is added to it. Where the layout has a part for the critic alone, the actor does not see
    it.
    The small output gain of the actor makes the first policy nearly uniform.
    """

    def __init__(
        self,
        layout: ObservationLayout,
        distribution: Distribution,
        hidden_size: int,
        shared: bool = True,
        memory: str = "none",
        memory_size: int = 64,
        shared_layers: bool = False,
    ) -> None:
        super().__init__()
        self.distribution = distribution
        gaussian = isinstance(distribution, DiagonalGaussian)
        outputs = distribution.parameter_count // 2 if gaussian else distribution.parameter_count
        self.trunk: nn.Module = nn.Identity()
        self.actor: nn.Module
        self.critic: nn.Module
        self.memory: Memory | None = None
        if memory != "none":
            assert layout.actor_size == layout.size  # the settings see to it
            encoder = Encoder(layout)
            inputs = hidden_size if layout.flat else encoder.size
            self.trunk = encoder
            if layout.flat:
                dense = orthogonal(nn.Linear(encoder.size, hidden_size), math.sqrt(2))
                self.trunk = nn.Sequential(encoder, dense, nn.Tanh())
            self.memory = Memory(memory, inputs, memory_size)
            self.actor = orthogonal(Head(memory_size, outputs), 0.01)
            self.critic = orthogonal(Head(memory_size, 1), 1.0)
        elif layout.flat and shared_layers:
            assert layout.actor_size == layout.size  # the settings see to it
            self.trunk = hidden_layers(layout.size, hidden_size)
            self.actor = orthogonal(nn.Linear(hidden_size, outputs), 0.01)
            self.critic = orthogonal(nn.Linear(hidden_size, 1), 1.0)
        elif layout.flat:
            self.actor = MLP(layout.actor_size, hidden_size, outputs, output_gain=0.01)
            if layout.actor_size < layout.size:
                self.actor = Blinkered(layout.actor_size, self.actor)
            self.critic = MLP(layout.size, hidden_size, 1, output_gain=1.0)
        elif shared:
            encoder = Encoder(layout)
            self.trunk = encoder
            self.actor = encoder.head(hidden_size, outputs, 0.01)
            self.critic = encoder.head(hidden_size, 1, 1.0)
        else:
            own, other = Encoder(layout), Encoder(layout)
            self.actor = nn.Sequential(own, own.head(hidden_size, outputs, 0.01))
            self.critic = nn.Sequential(other, other.head(hidden_size, 1, 1.0))
        # State-independent, as detail 24 has it.
        self.log_std = nn.Parameter(torch.zeros(outputs)) if gaussian else None

    @classmethod
    def small(cls, observation_size: int, action_count: int, hidden_size: int) -> ActorCritic:
        """For vectors of floats and a choice of actions, without an environment at hand."""
        space = Box(-np.inf, np.inf, (observation_size,), np.float32)
        return cls(ObservationLayout("none", space), Categorical(action_count), hidden_size)

    @property
    def state_size(self) -> int:
        """Numbers that are remembered of an environment; 0 without a memory."""
        return 0 if self.memory is None else self.memory.state_size

    def forward(
        self,
        rows: Tensor,
        masks: Tensor | None = None,
        stretches: list[Stretches] | None = None,
    ) -> tuple[Tensor, Tensor]:
        """Parameters of the action distribution and values.

        Args:
            rows: [batch, row], observations as `ObservationLayout` lays them out.
            masks: [batch, logits] bool, False for forbidden actions.
            stretches: for a memory, which of the rows follow each other; see `memory.replay`.
                None: each of them begins an episode.

        Returns:
            Parameters [batch, parameter_count] and values [batch].
        """
        features = self.trunk(rows)
        if self.memory is not None:
            features = self.memory(features, stretches)
        return self._heads(features, masks)

    def step(
        self, rows: Tensor, states: Tensor, masks: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """As `forward`, for one step of each environment and what is remembered of it.

        Args:
            rows: [batch, row].
            states: [batch, state], with nothing in it where there is no memory.
            masks: [batch, logits] bool, False for forbidden actions.

        Returns:
            Parameters [batch, parameter_count], values [batch] and the states after it.
        """
        features = self.trunk(rows)
        if self.memory is not None:
            features, states = self.memory.step(features, states)
        return (*self._heads(features, masks), states)

    def evaluate(
        self,
        rows: Tensor,
        actions: Tensor,
        masks: Tensor | None = None,
        stretches: list[Stretches] | None = None,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Log-probabilities of given actions, entropies and values.

        Args:
            rows: [batch, row], observations.
            actions: [batch, *action_shape].
            masks: [batch, logits] bool, False for forbidden actions.
            stretches: as in `forward`.

        Returns:
            Log-probabilities [batch] in nats, entropies [batch] in nats, values [batch].
        """
        parameters, values = self.forward(rows, masks, stretches)
        log_probs, entropy = self.distribution.evaluate(parameters, actions)
        return log_probs, entropy, values

    def _heads(self, features: Tensor, masks: Tensor | None) -> tuple[Tensor, Tensor]:
        parameters = self.actor(features)
        if masks is not None:
            parameters = torch.where(masks, parameters, MASKED)
        if self.log_std is not None:
            parameters = torch.cat([parameters, self.log_std.expand_as(parameters)], dim=1)
        return parameters, self.critic(features).squeeze(1)


def hidden_layers(inputs: int, hidden: int) -> nn.Sequential:
    """Two tanh layers for actor and critic together, [batch, inputs] to [batch, hidden]."""
    gain = math.sqrt(2)
    return nn.Sequential(
        orthogonal(nn.Linear(inputs, hidden), gain), nn.Tanh(),
        orthogonal(nn.Linear(hidden, hidden), gain), nn.Tanh(),
    )  # fmt: skip


def orthogonal(layer: Layer, gain: float) -> Layer:
    """Give a layer orthogonal weights of this gain, and no bias."""
    nn.init.orthogonal_(layer.weight, gain)
    assert layer.bias is not None
    nn.init.zeros_(layer.bias)
    return layer


def _channels_last(part: Part) -> bool:
    """Whether an image's channels come last: where they are the fewer, and where nothing tells."""
    return part.shape[2] <= part.shape[0]


def _image_shape(part: Part) -> tuple[int, int, int]:
    """Channels, height and width of an image."""
    if _channels_last(part):
        height, width, channels = part.shape
    else:
        channels, height, width = part.shape
    return channels, height, width


def _half_pixels(images: Tensor) -> Tensor:
    """Images [batch, channels, height, width] as bfloat16, channels last in memory.

    Channel by channel, for torch transposes bytes three times as slowly when asked in one go.
    """
    batch, channels, height, width = images.shape
    pixels = torch.empty(batch, height, width, channels, dtype=torch.bfloat16)
    for channel in range(channels):
        pixels[..., channel].copy_(images[:, channel])
    return pixels.permute(0, 3, 1, 2)


def _key(part: Part) -> str:
    return part.name.replace(".", "_") or "image"
