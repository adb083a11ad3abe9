"""How an observation of any Gymnasium space lies in memory: as one row of numbers.

The rollout buffer then is one array, whatever the environment shows. A space of a single kind
keeps its own type (float32, or uint8 for images, those of bits too). A Dict keeps every part's
bytes side by side in a row of bytes, so that an image in it still costs one byte a pixel; the
network takes the parts out again without a copy of the whole.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import gymnasium
import numpy as np
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiBinary, MultiDiscrete
from gymnasium.spaces import Tuple as TupleSpace
from numpy.typing import NDArray
from torch import Tensor

from ppolab.errors import InvalidSettingError

MASK_KEY = "action_mask"  # PettingZoo's name for legal actions within a Dict


@dataclass(frozen=True)
class Part:
    """One piece of an observation: a vector, or an image."""

    name: str
    shape: tuple[int, ...]  # of the numbers kept
    image: bool  # bytes or bits with three axes, channels first or last
    one_hot: tuple[int, ...] = ()  # sizes of the choices it stands for, if it is one of choices
    brightest: float = 255.0  # largest value of an image; 1 for images of bits

    @property
    def count(self) -> int:
        """Numbers kept."""
        return math.prod(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Type of the numbers kept."""
        return np.dtype(np.uint8 if self.image else np.float32)

    @property
    def nbytes(self) -> int:
        """Bytes kept."""
        return self.count * self.dtype.itemsize


class ObservationLayout:
    """Where each part of an observation lies within a row.

    Attributes:
        parts: vectors first, then images, so that floats stay aligned.
        size: entries of a row.
        dtype: of a row: float32, or uint8 for images and for mixed parts.
        actor_size: entries, from the beginning, that the actor sees; what follows is for the critic
            alone. All of them, unless whoever made the layout says otherwise.
    """

    def __init__(self, environment_id: str, space: gymnasium.Space[Any]) -> None:
        found = _parts(environment_id, space, "")
        self.parts = tuple(sorted(found, key=lambda part: part.image))
        self.single = len(self.parts) == 1 and not isinstance(space, (Dict, TupleSpace))
        floats = all(not part.image for part in self.parts)
        images = all(part.image for part in self.parts)
        self._bytes = not floats and not images
        self.dtype = torch.float32 if floats else torch.uint8
        self.size = sum(p.nbytes if self._bytes else p.count for p in self.parts)
        self.actor_size = self.size

    @property
    def flat(self) -> bool:
        """Whether a row is nothing but a vector of floats."""
        return self.dtype == torch.float32

    def write(self, observation: Any, row: NDArray[Any]) -> None:
        """Write one observation into a row [size]."""
        if self.single and not self.parts[0].one_hot:
            row[:] = np.asarray(observation).reshape(-1)
            return
        offset = 0
        for part in self.parts:
            values = _numbers(part, _take(observation, part.name))
            piece = values.view(np.uint8) if self._bytes else values
            row[offset : offset + len(piece)] = piece
            offset += len(piece)

    def write_batch(self, observations: Any, rows: NDArray[Any]) -> None:
        """Write observations, batched as Gymnasium batches their space, into rows [batch, size]."""
        if self.single and not self.parts[0].one_hot:
            rows[:] = np.asarray(observations).reshape(len(rows), -1)
            return
        offset = 0
        for part in self.parts:
            values = _batch_of_numbers(part, _take(observations, part.name), len(rows))
            piece = values.view(np.uint8) if self._bytes else values
            rows[:, offset : offset + piece.shape[1]] = piece
            offset += piece.shape[1]

    def split(self, rows: Tensor) -> dict[str, Tensor]:
        """Take rows [batch, size] apart: each part as [batch, *shape] in its own type."""
        pieces: dict[str, Tensor] = {}
        offset = 0
        for part in self.parts:
            end = offset + (part.nbytes if self._bytes else part.count)
            piece = rows[:, offset:end]
            if self._bytes and not part.image:
                piece = piece.contiguous().view(torch.float32)
            pieces[part.name] = piece.reshape(-1, *part.shape)
            offset = end
        return pieces


def _parts(environment_id: str, space: gymnasium.Space[Any], name: str) -> list[Part]:
    if isinstance(space, Box):
        image = space.dtype in (np.uint8, np.bool_) and len(space.shape) == 3
        return [Part(name, space.shape or (1,), image, brightest=float(space.high.max()) or 1.0)]
    if isinstance(space, Discrete):
        return [Part(name, (int(space.n),), False, (int(space.n),))]
    if isinstance(space, MultiDiscrete):
        sizes = tuple(int(count) for count in space.nvec.reshape(-1))
        return [Part(name, (sum(sizes),), False, sizes)]
    if isinstance(space, MultiBinary):
        return [Part(name, (int(np.prod(space.shape)),), False)]
    if isinstance(space, Dict):
        items = [(key, inner) for key, inner in space.items() if key != MASK_KEY]
    elif isinstance(space, TupleSpace):
        items = [(str(index), inner) for index, inner in enumerate(space.spaces)]
    else:
        raise InvalidSettingError(
            "environment", environment_id, f"has observations of {space}, which are not covered",
            "Choose one with Box, Discrete, MultiDiscrete, MultiBinary, Dict or Tuple observations",
        )  # fmt: skip
    return [
        part
        for key, inner in items
        for part in _parts(environment_id, inner, f"{name}/{key}" if name else key)
    ]


def _take(observation: Any, name: str) -> Any:
    for key in name.split("/") if name else ():
        observation = observation[key] if isinstance(observation, dict) else observation[int(key)]
    return observation


def _batch_of_numbers(part: Part, values: Any, batch: int) -> NDArray[Any]:
    """The part's numbers of a batch of observations, [batch, count] of its type."""
    if not part.one_hot:
        return np.ascontiguousarray(values, part.dtype).reshape(batch, -1)
    numbers = np.zeros((batch, part.count), np.float32)
    starts = np.cumsum((0, *part.one_hot[:-1]))
    columns = starts + np.asarray(values).reshape(batch, -1)
    np.put_along_axis(numbers, columns, 1.0, axis=1)
    return numbers


def _numbers(part: Part, value: Any) -> NDArray[Any]:
    """The part's numbers as a flat array of its type."""
    if not part.one_hot:
        return np.ascontiguousarray(value, part.dtype).reshape(-1)
    numbers = np.zeros(part.count, np.float32)
    starts = np.cumsum((0, *part.one_hot[:-1]))
    numbers[starts + np.asarray(value).reshape(-1)] = 1.0
    return numbers
