"""What a policy remembers from step to step: one GRU or LSTM layer, and how it is replayed.

Details 32 to 36 of Huang et al. (2022) in one place: orthogonal weights and no biases (32), an
empty memory at the start (33), emptied where an episode ends (34), whole environments instead of
samples in a minibatch (35), each replayed from what was remembered before the rollout's first step
(36). It is remembered anew with the present weights, so the gradient reaches every step of the
rollout; it does not reach what happened before.

A memory's state is a row of numbers per environment: GRU's hidden units, or LSTM's hidden units
and then its cells.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

State = tuple[Tensor, Tensor]  # of an LSTM: hidden units and cells


class Stretches(NamedTuple):
    """Parts of a rollout in which nothing was forgotten, side by side and padded to the longest."""

    places: Tensor  # [samples], where each sample lies in [longest, stretches] flattened
    longest: int  # steps
    states: Tensor  # [stretches, state], what each begins with


class Piece(NamedTuple):
    """Samples that go through the network together."""

    samples: Tensor  # [samples], positions in the rollout flattened from [time, environments]
    stretches: list[Stretches]  # what of them a memory goes through together; else empty


class Memory(nn.Module):
    """A GRU (Cho et al. 2014) or LSTM layer (Hochreiter & Schmidhuber 1997)."""

    def __init__(self, kind: str, inputs: int, size: int) -> None:
        super().__init__()
        layers: dict[str, type[nn.GRU | nn.LSTM]] = {"gru": nn.GRU, "lstm": nn.LSTM}
        self.cells = layers[kind](inputs, size)
        self.state_size = 2 * size if kind == "lstm" else size
        for parameter in self.cells.parameters():
            if parameter.ndim == 2:
                nn.init.orthogonal_(parameter)
            else:
                nn.init.zeros_(parameter)

    def step(self, features: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """Take in one observation of each environment.

        Args:
            features: [batch, inputs].
            states: [batch, state].

        Returns:
            What the memory gives, [batch, size], and its new states [batch, state].
        """
        features = features.to(states.dtype)
        with torch.autocast(features.device.type, enabled=False):
            outputs, after = self.cells(features.unsqueeze(0), self._unpacked(states))
        hidden = torch.cat(after, 2) if isinstance(after, tuple) else after
        return outputs[0], hidden[0]

    def forward(self, features: Tensor, stretches: list[Stretches] | None) -> Tensor:
        """Go through stretches of a rollout.

        It stays in full precision under autocast: what is rounded in one step is remembered, and
        rounded again, in all that follow.

        Args:
            features: [samples, inputs], those of the first stretches, then of the next.
            stretches: as `replay` makes them; None: each sample begins an episode.

        Returns:
            What the memory gives, [samples, size].
        """
        if stretches is None:
            empty = next(self.parameters()).new_zeros(len(features), self.state_size)
            return self.step(features, empty)[0]
        outputs: list[Tensor] = []
        counts = [len(part.places) for part in stretches]
        with torch.autocast(features.device.type, enabled=False):
            for part, inputs in zip(stretches, torch.split(features, counts), strict=True):
                shape = (part.longest * len(part.states), inputs.shape[1])
                padded = part.states.new_zeros(shape)
                padded = padded.index_copy(0, part.places, inputs.to(padded.dtype))
                padded = padded.view(part.longest, -1, inputs.shape[1])
                through, _ = self.cells(padded, self._unpacked(part.states))
                outputs.append(through.flatten(0, 1)[part.places])
        return torch.cat(outputs)

    def _unpacked(self, states: Tensor) -> Tensor | State:
        """Rows [batch, state] as torch's layers take them."""
        if isinstance(self.cells, nn.GRU):
            return states.unsqueeze(0)
        hidden, cells = states.unsqueeze(0).chunk(2, 2)
        return hidden.contiguous(), cells.contiguous()


def replay(
    dones: Tensor, states: Tensor, environments: Tensor, present: Tensor | None = None
) -> Piece:
    """Cut environments' rollouts where episodes ended, and lay the stretches side by side.

    A loop over time would call the layer once a step. Stretches whose lengths differ by less than
    a factor of two go through it together, so that there are few calls and little padding. Forward
    and backward through 128 steps of 8 environments with 64 units, on one core: with episodes of
    about 20 steps 75 ms became 16 (LSTM) and 49 became 22 (GRU), with those of 200 steps 73 became
    9 and 51 became 32. An LSTM gains more, for torch has a kernel for all its steps on a CPU.

    Args:
        dones: [time, environments], 1 where the episode ended after the step.
        states: [environments, state], what was remembered before the first step.
        environments: [chosen], which of them to replay.
        present: [time, environments] bool, False where nobody acted: left out, and nothing of it
            is remembered. None: somebody acted everywhere.
    """
    steps, count = dones.shape
    begins = torch.ones(steps, count, dtype=torch.bool)
    begins[1:] = dones[:-1] > 0
    if present is not None:  # each such step is a stretch of its own, left out below
        begins |= ~present
        begins[1:] |= ~present[:-1]
    begins = begins.T[environments]
    # Positions in [chosen, time] flattened: there a stretch is a run of neighbours.
    starts = begins.flatten().nonzero().squeeze(1)
    ends = torch.cat([starts[1:], torch.tensor([begins.numel()])])
    lengths = ends - starts
    if present is not None:
        acted = present.T[environments].flatten()[starts]
        starts, lengths = starts[acted], lengths[acted]
    lengths, longest_first = lengths.sort(descending=True, stable=True)
    starts = starts[longest_first]
    initial = states[environments[starts // steps]]
    initial[starts % steps > 0] = 0.0  # these begin with an episode

    samples, stretches = [], []
    while len(lengths):
        longest = int(lengths[0])
        alike = int((2 * lengths > longest).sum())
        time = torch.arange(longest).unsqueeze(1)
        running = time < lengths[:alike]  # [longest, stretches]
        positions = (starts[:alike] + time)[running]
        samples.append(positions % steps * count + environments[positions // steps])
        places = running.flatten().nonzero().squeeze(1)
        stretches.append(Stretches(places, longest, initial[:alike]))
        lengths, starts, initial = lengths[alike:], starts[alike:], initial[alike:]
    return Piece(torch.cat(samples), stretches)
