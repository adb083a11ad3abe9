import pytest
import torch
from language_cases import samples_of

from ppolab.language.config import RLHFConfig
from ppolab.language.experience import (
    final_scores,
    make_experience,
    per_token_rewards,
    response_advantages,
)

# Two responses: one of three tokens that ends (0), one of two that was cut off.
SAMPLES = samples_of([[5], [6]], [[1, 2, 0], [3, 4]])
PLAIN = {"batch_size": 2, "minibatch_size": 2, "whiten_advantages": False}


def test_the_score_comes_at_the_last_token_and_the_penalty_at_each() -> None:
    kl = torch.tensor([[0.1, 0.2, 0.3], [0.4, 0.5, 0.0]])
    rewards = per_token_rewards(torch.tensor([1.0, -2.0]), kl, torch.tensor([3, 2]), 2.0)
    expected = [[-0.2, -0.4, -0.6 + 1.0], [-0.8, -1.0 - 2.0, 0.0]]
    torch.testing.assert_close(rewards, torch.tensor(expected))


def test_scores_are_cut_and_responses_without_an_end_pay() -> None:
    config = RLHFConfig(**PLAIN, reward_clip=3.0, missing_end_penalty=0.5)
    scores = final_scores(config, SAMPLES, torch.tensor([7.0, -9.0]))
    assert scores.tolist() == [3.0, -3.5]
    free = RLHFConfig(**PLAIN, reward_clip=None, missing_end_penalty=0.0)
    assert final_scores(free, SAMPLES, torch.tensor([7.0, -9.0])).tolist() == [7.0, -9.0]


def test_advantages_along_a_response_by_hand() -> None:
    # γ = 1, λ = 0.5. Row 0: δ = (0 + 2 − 1, 0 + 3 − 2, 4 − 3) = (1, 1, 1)
    #   A = (1 + 0.5·1.5, 1 + 0.5·1, 1) = (1.75, 1.5, 1)
    # Row 1 ends a token earlier: δ = (0 + 2 − 1, 1 − 2) = (1, −1); A = (1 − 0.5, −1) = (0.5, −1)
    rewards = torch.tensor([[0.0, 0.0, 4.0], [0.0, 1.0, 0.0]])
    values = torch.tensor([[1.0, 2.0, 3.0], [1.0, 2.0, 0.0]])
    advantages = response_advantages(rewards, values, SAMPLES, 1.0, 0.5)
    torch.testing.assert_close(advantages, torch.tensor([[1.75, 1.5, 1.0], [0.5, -1.0, 0.0]]))


def test_kl_is_counted_towards_the_reference_over_real_tokens_only() -> None:
    # Written at −1 nat each; the reference says −1.5 and −3: k1 is 0.5 and 2 a token.
    reference = torch.tensor([[-1.5, -1.5, -1.5], [-3.0, -3.0, -99.0]])
    config = RLHFConfig(**PLAIN, missing_end_penalty=0.0)
    experience = make_experience(
        config, SAMPLES, reference, torch.zeros(2), torch.zeros(2, 3), kl_coef=0.1
    )
    assert experience.kl.tolist() == pytest.approx([1.5, 4.0])
    expected = [[-0.05, -0.05, -0.05], [-0.2, -0.2, 0.0]]
    torch.testing.assert_close(experience.rewards, torch.tensor(expected))


@pytest.mark.parametrize(
    ("estimator", "penalty"),
    [("k1", 0.5), ("k2", 0.125), ("k3", 0.10653066)],  # r = e^−0.5: (r − 1) − log r
)
def test_the_penalty_uses_the_estimator_that_was_asked_for(estimator: str, penalty: float) -> None:
    config = RLHFConfig(**PLAIN, kl_estimator=estimator, missing_end_penalty=0.0)
    reference = torch.full((2, 3), -1.5)
    experience = make_experience(
        config, SAMPLES, reference, torch.zeros(2), torch.zeros(2, 3), kl_coef=1.0
    )
    assert float(experience.rewards[0, 0]) == pytest.approx(-penalty, abs=1e-6)


def test_with_the_penalty_in_the_loss_the_rewards_hold_the_score_alone() -> None:
    config = RLHFConfig(**PLAIN, kl_placement="loss", missing_end_penalty=0.0)
    experience = make_experience(
        config, SAMPLES, torch.full((2, 3), -2.0), torch.tensor([1.0, 2.0]), torch.zeros(2, 3), 0.5
    )
    assert experience.rewards.tolist() == [[0.0, 0.0, 1.0], [0.0, 2.0, 0.0]]


def test_rloo_and_grpo_compare_the_responses_to_one_prompt() -> None:
    samples = samples_of([[5]] * 4, [[1, 0], [2, 0], [3, 0], [4, 0]])
    scores = torch.tensor([1.0, 3.0, 10.0, 20.0])  # groups (1, 3) and (10, 20)
    settings = {
        "batch_size": 4,
        "minibatch_size": 4,
        "responses_per_prompt": 2,
        "reward_clip": None,
    }
    results = {}
    for algorithm in ("rloo", "grpo"):
        config = RLHFConfig(**settings, algorithm=algorithm, whiten_advantages=False)
        experience = make_experience(config, samples, samples.log_probs, scores, None, kl_coef=0.1)
        results[algorithm] = experience.advantages[:, 0].tolist()
        assert torch.equal(experience.advantages[:, 0], experience.advantages[:, 1])
    assert results["rloo"] == pytest.approx([-2.0, 2.0, -10.0, 10.0])
    half = 0.5**0.5  # ±1 by a standard deviation of √2; ±5 by one of √50
    assert results["grpo"] == pytest.approx([-half, half, -half, half], abs=1e-3)


def test_whitened_advantages_have_mean_zero_and_spread_one_over_real_tokens() -> None:
    config = RLHFConfig(**{**PLAIN, "whiten_advantages": True})
    experience = make_experience(
        config, SAMPLES, torch.full((2, 3), -1.4), torch.tensor([1.0, -2.0]),
        torch.tensor([[0.3, 0.1, -0.2], [0.5, 0.4, 0.0]]), 0.1,
    )  # fmt: skip
    real = experience.advantages[SAMPLES.mask]
    assert float(real.mean()) == pytest.approx(0.0, abs=1e-6)
    assert float(real.square().mean()) == pytest.approx(1.0, abs=1e-5)
    assert not experience.advantages[~SAMPLES.mask].any()
