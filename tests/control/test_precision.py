from __future__ import annotations

import numpy as np
import pytest
import torch
from gymnasium.spaces import Box

from ppolab.control import precision
from ppolab.control.config import PPOConfig
from ppolab.control.distributions import Categorical
from ppolab.control.networks import ActorCritic, NatureCNN
from ppolab.control.observations import ObservationLayout
from ppolab.control.trainer import PPOTrainer

IMAGES = ObservationLayout("none", Box(0, 255, (4, 44, 36), np.uint8))
VECTORS = ObservationLayout("none", Box(-1, 1, (4,), np.float32))


@pytest.fixture(params=[True, False])
def able(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> bool:
    """A processor with instructions for bfloat16, and one without."""
    told = {"avx2": True, "avx512_bf16": request.param, "amx_bf16": False}
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: told, raising=False)
    return bool(request.param)


def images_of(count: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(1)
    return torch.randint(
        256, (count, *IMAGES.parts[0].shape), dtype=torch.uint8, generator=generator
    )


def test_auto_takes_bfloat16_for_images_where_the_processor_multiplies_it(able: bool) -> None:
    asked = PPOConfig(precision="auto")
    expected = "bfloat16" if able else "float32"
    assert precision.with_precision(asked, IMAGES).precision == expected
    assert precision.with_precision(asked, VECTORS).precision == "float32"


def test_a_precision_that_was_asked_for_is_kept(able: bool) -> None:
    for asked in ("float32", "bfloat16"):
        for layout in (IMAGES, VECTORS):
            config = PPOConfig.from_mapping({"precision": asked})
            assert precision.with_precision(config, layout) is config


def test_an_older_torch_that_cannot_tell_computes_in_float32(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert not precision.multiplies_bfloat16()


def test_the_trainer_says_which_precision_auto_became(able: bool) -> None:
    config = PPOConfig(precision="auto", backend="torch")
    assert PPOTrainer(config).config.precision == "float32"
    images = PPOConfig.from_mapping({**config.to_mapping(), "environment": "ProbeImage-v0"})
    assert PPOTrainer(images).config.precision == ("bfloat16" if able else "float32")


def test_convolutions_in_bfloat16_find_what_those_in_float32_find() -> None:
    torch.manual_seed(1)
    network, images = NatureCNN(IMAGES.parts[0], 64), images_of(32)

    def found(half: bool) -> tuple[torch.Tensor, torch.Tensor]:
        network.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            features = network(images)
        features.float().square().sum().backward()
        slopes = torch.cat([p.grad.flatten() for p in network.parameters() if p.grad is not None])
        return features.detach().float(), slopes

    (exact, exact_slopes), (rough, rough_slopes) = found(False), found(True)
    assert float((rough - exact).norm() / exact.norm()) < 0.01
    assert float((rough_slopes - exact_slopes).norm() / exact_slopes.norm()) < 0.03
    assert not torch.equal(rough, exact)  # or nothing was computed in bfloat16


def test_bytes_become_bfloat16_without_loss_whichever_axis_is_the_channels() -> None:
    """A layer that passes pixel 0 of each channel on shows what the convolutions were given."""
    pixels = torch.arange(256, dtype=torch.uint8).repeat(64)[: 4 * 44 * 36].reshape(1, 4, 44, 36)
    last = ObservationLayout("none", Box(0, 255, (44, 36, 4), np.uint8))
    for layout, images in ((IMAGES, pixels), (last, pixels.permute(0, 2, 3, 1))):
        network = NatureCNN(layout.parts[0], 8)
        seen: list[torch.Tensor] = []
        network.convolutions[1].register_forward_hook(
            lambda module, inputs, output, seen=seen: seen.append(inputs[0])
        )
        for channel in range(4):
            with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
                network.convolutions[0].weight.zero_()
                network.convolutions[0].weight[0, channel, 0, 0] = 255.0
                network(images)
            expected = pixels[0, channel, ::4, ::4][:10, :8].bfloat16()
            assert torch.equal(seen[-1][0, 0], expected)


def test_heads_of_images_stay_in_float32() -> None:
    network = ActorCritic(IMAGES, Categorical(3), 8)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        network.critic.weight.zero_()
        network.critic.bias.fill_(20.01)  # bfloat16 knows 20 and 20.125
        logits, values = network(images_of(2).flatten(1))
    assert logits.dtype == values.dtype == torch.float32
    assert values.tolist() == pytest.approx([20.01, 20.01], abs=1e-4)


def test_an_image_task_is_learned_in_bfloat16() -> None:
    trainer = PPOTrainer(
        PPOConfig(
            environment="ProbeImage-v0",
            precision="bfloat16",
            total_steps=3072,
            environments=8,
            rollout_steps=16,
            minibatch_size=64,
            epochs=4,
            learning_rate=0.001,
            entropy_coef=0.0,
        )
    )
    while not trainer.finished:
        trainer.iterate()
    assert trainer.mean_return >= 0.9  # 0.5 without looking
