from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box, Dict, Discrete, MultiDiscrete, Text, Tuple

from ppolab.control.networks import Encoder
from ppolab.control.observations import ObservationLayout
from ppolab.errors import InvalidSettingError

MIXED = Dict(
    {
        "camera": Box(0, 255, (40, 40, 3), np.uint8),
        "speed": Box(-1, 1, (2,), np.float32),
        "gear": Discrete(3),
        "action_mask": Box(0, 1, (4,), np.int8),
    }
)


def row_of(layout: ObservationLayout, observation: object) -> torch.Tensor:
    row = torch.zeros(1, layout.size, dtype=layout.dtype)
    layout.write(observation, row.numpy()[0])
    return row


def test_a_vector_is_its_own_row() -> None:
    layout = ObservationLayout("e", Box(-1, 1, (3,), np.float32))
    assert layout.flat
    assert row_of(layout, [1.0, 2.0, 3.0]).tolist() == [[1.0, 2.0, 3.0]]


def test_a_choice_becomes_one_hot() -> None:
    assert row_of(ObservationLayout("e", Discrete(4)), 2).tolist() == [[0, 0, 1, 0]]
    layout = ObservationLayout("e", MultiDiscrete([2, 3]))
    assert row_of(layout, np.array([1, 0])).tolist() == [[0, 1, 1, 0, 0]]


def test_an_image_costs_one_byte_a_pixel() -> None:
    layout = ObservationLayout("e", Box(0, 255, (84, 84, 4), np.uint8))
    assert (layout.dtype, layout.size) == (torch.uint8, 84 * 84 * 4)


def test_a_mixture_keeps_every_part_exactly_and_costs_no_more_than_its_bytes() -> None:
    layout = ObservationLayout("e", MIXED)
    assert layout.size == 40 * 40 * 3 + 4 * 2 + 4 * 3  # the mask is not part of it
    observation = MIXED.sample()
    parts = layout.split(row_of(layout, observation))
    assert torch.equal(parts["camera"][0], torch.from_numpy(observation["camera"]))
    assert torch.equal(parts["speed"][0], torch.from_numpy(observation["speed"]))
    assert parts["gear"][0].tolist() == [float(i == observation["gear"]) for i in range(3)]


def test_a_tuple_is_taken_apart_by_position() -> None:
    space = Tuple((Discrete(2), Box(-1, 1, (1,), np.float32)))
    layout = ObservationLayout("e", space)
    assert row_of(layout, (1, np.array([0.5]))).tolist() == [[0.0, 1.0, 0.5]]


def test_nested_parts_are_named_by_their_path() -> None:
    space = Dict({"arm": Dict({"angle": Box(-1, 1, (1,), np.float32)})})
    layout = ObservationLayout("e", space)
    assert [part.name for part in layout.parts] == ["arm/angle"]
    assert row_of(layout, {"arm": {"angle": np.array([0.25])}}).tolist() == [[0.25]]


def test_the_encoder_sees_images_the_same_whichever_axis_holds_the_channels() -> None:
    last = ObservationLayout("e", Box(0, 255, (36, 40, 3), np.uint8))
    first = ObservationLayout("e", Box(0, 255, (3, 36, 40), np.uint8))
    torch.manual_seed(0)
    encoder = Encoder(last, image_features=8)
    torch.manual_seed(0)
    twin = Encoder(first, image_features=8)
    image = np.random.default_rng(0).integers(0, 256, (36, 40, 3), dtype=np.uint8)
    features = encoder(row_of(last, image))
    assert features.shape == (1, 8)
    assert features.abs().sum() > 0
    torch.testing.assert_close(features, twin(row_of(first, image.transpose(2, 0, 1))))


def test_an_image_too_small_for_the_network_is_refused() -> None:
    layout = ObservationLayout("e", Box(0, 255, (2, 84, 1), np.uint8))
    with pytest.raises(InvalidSettingError, match=r"2×84.*3×3"):
        Encoder(layout)


def test_a_space_that_is_not_covered_is_named() -> None:
    with pytest.raises(InvalidSettingError, match="Text"):
        ObservationLayout("e", Dict({"note": Text(3)}))
