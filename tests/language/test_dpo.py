from __future__ import annotations

import copy
import math

import pytest
import torch
from language_cases import END, tiny_gpt

from ppolab.errors import InvalidSettingError
from ppolab.language.dpo import DPOConfig, DPOTrainer, pair_log_probs
from ppolab.language.preference_data import PreferencePair
from ppolab.language.rewards import TextReward
from ppolab.language.tokens import TokenBatch

REWARD = TextReward("length", lambda text: float(len(text)))


class Words:
    """As much of a tokenizer as an evaluation needs."""

    end = END

    def decode(self, ids: list[int]) -> str:
        return " ".join(map(str, ids))


def pairs(count: int) -> list[PreferencePair]:
    """The chosen answer is made of 5s, the other of 9s."""
    return [
        PreferencePair([1, i % 7 + 2, 5, 5, END], [1, i % 7 + 2, 9, 9, 9, END], 2)
        for i in range(count)
    ]


def trainer(**changes: object) -> DPOTrainer:
    config = DPOConfig(
        **{"batch_size": 8, "learning_rate": 3e-3, "dtype": "float32", "longest_response": 6,
           "evaluate_every": 3, "evaluation_prompts": 4, **changes}  # type: ignore[arg-type]
    )  # fmt: skip
    policy = tiny_gpt()
    return DPOTrainer(
        config, policy, copy.deepcopy(policy), Words(), pairs(60), [[1, 2], [1, 3]],  # type: ignore[arg-type]
        REWARD,
    )  # fmt: skip


def test_log_probabilities_of_answers_are_summed_one_token_at_a_time() -> None:
    model, pair = tiny_gpt().requires_grad_(False), pairs(3)[2]
    for text, found in zip(
        (pair.chosen, pair.rejected), pair_log_probs(model, pairs(3)), strict=True
    ):
        logits = model.logits(model(TokenBatch.from_sequences([text])))
        log_probs = logits.log_softmax(1)
        expected = sum(float(log_probs[t - 1, text[t]]) for t in range(2, len(text)))
        assert float(found[2]) == pytest.approx(expected, abs=1e-4)


def test_training_begins_at_ln_2_and_learns_which_answers_are_preferred() -> None:
    learner = trainer()
    first = learner.iterate()
    assert first["dpo_loss"] == pytest.approx(math.log(2), abs=1e-5)
    assert first["dpo_margin"] == pytest.approx(0.0, abs=1e-4)
    while not learner.finished:
        last = learner.iterate()
    assert last["dpo_loss"] < 0.5
    held_out = learner.measure()
    assert held_out["dpo_held_out_accuracy"] == 1.0
    assert held_out["dpo_held_out_margin"] > 0.3
    assert learner.evaluate().kl > 0.0


def test_the_reference_is_left_alone() -> None:
    learner = trainer()
    before = {name: value.clone() for name, value in learner.reference.state_dict().items()}
    learner.iterate()
    assert all(torch.equal(before[k], v) for k, v in learner.reference.state_dict().items())


def test_a_training_that_was_interrupted_goes_on_bit_for_bit() -> None:
    straight, broken, resumed = trainer(epochs=2), trainer(epochs=2), trainer(epochs=2)
    for _ in range(8):
        straight.iterate()
    for _ in range(4):
        broken.iterate()
    tensors, extra = broken.state()
    resumed.restore({name: value.clone() for name, value in tensors.items()}, extra)
    for _ in range(4):  # over the border of an epoch of six steps
        resumed.iterate()
    assert torch.equal(straight.optimizer.vector, resumed.optimizer.vector)


def test_settings_that_cannot_be_used_are_named() -> None:
    with pytest.raises(InvalidSettingError, match=r"pairs: 60 are too few for batches of 64"):
        trainer(batch_size=64)
    with pytest.raises(InvalidSettingError, match=r"beta: 0 must be positive"):
        DPOConfig(beta=0)
    with pytest.raises(InvalidSettingError, match=r"label_smoothing: 0.5 must lie in"):
        DPOConfig(label_smoothing=0.5)
