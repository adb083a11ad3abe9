import copy
import math

import pytest
import torch
from language_cases import END, tiny_gpt
from torch import nn

from ppolab.language.config import RLHFConfig
from ppolab.language.experience import Experience, make_experience
from ppolab.language.generation import Sampling, generate
from ppolab.language.gpt import GPT
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.tokens import TokenBatch
from ppolab.language.update import Learner, update

SETTINGS = {"batch_size": 8, "minibatch_size": 8, "epochs": 1, "longest_response": 10}


def learner_of(policy: GPT, critic: GPT | None, learning_rate: float = 0.01) -> Learner:
    head = nn.Linear(policy.hidden_size, 1)
    nn.init.constant_(head.weight, 0.01)
    nn.init.zeros_(head.bias)
    trained = [policy, head] if critic is None else [policy, head, critic]
    optimizer = FlatAdamW(trained, learning_rate, max_gradient_norm=None)
    return Learner(policy, optimizer, head, critic)


def experience_of(policy: GPT, config: RLHFConfig) -> Experience:
    """Ragged responses with scores and values of no meaning, but of both signs."""
    prompts = TokenBatch.from_sequences([[3, 1], [4, 1, 5], [9], [2, 6]] * 2)
    generator = torch.Generator().manual_seed(1)
    samples = generate(policy, prompts, Sampling(config.longest_response), END, generator)
    values = 0.1 * torch.randn(samples.responses.shape, generator=generator) * samples.mask
    reference = (samples.log_probs - 0.05) * samples.mask
    scores = torch.randn(len(samples), generator=generator)
    return make_experience(config, samples, reference, scores, values, 0.1)


def test_the_first_minibatch_meets_the_policy_that_wrote_it() -> None:
    config = RLHFConfig(**SETTINGS)
    policy = tiny_gpt()
    experience = experience_of(policy, config)
    report = update(
        learner_of(policy, tiny_gpt(2)), experience, config, 0.0, 0.1, torch.Generator()
    )
    assert report.first_kl <= 1e-9
    assert report.clip_fraction == 0.0
    assert report.ratio_max == pytest.approx(1.0, abs=1e-4)
    # At ratio 1 the loss is minus the mean advantage, which whitening made 0.
    assert report.policy_loss == pytest.approx(0.0, abs=1e-5)


@pytest.mark.parametrize("aggregation", ["token_mean", "sequence_mean", "sequence_sum"])
@pytest.mark.parametrize("shared", [True, False], ids=["shared trunk", "separate critic"])
def test_the_gradient_does_not_depend_on_how_a_minibatch_is_cut(
    aggregation: str, shared: bool
) -> None:
    vectors = []
    for micro in (None, 3, 1):
        config = RLHFConfig(
            **SETTINGS, aggregation=aggregation, shared_trunk=shared, micro_batch_size=micro
        )
        policy = tiny_gpt()
        learner = learner_of(policy, None if shared else tiny_gpt(2))
        before = learner.optimizer.vector.clone()
        gradient = []
        step = learner.optimizer.step

        def spy(rate: float | None = None, step=step, learner=learner, kept=gradient):  # type: ignore[no-untyped-def]
            kept.append(learner.optimizer._gradient.clone())
            return step(rate)

        learner.optimizer.step = spy  # type: ignore[method-assign]
        update(learner, experience_of(tiny_gpt(), config), config, 0.01, 0.1, torch.Generator())
        assert not torch.equal(before, learner.optimizer.vector)
        vectors.append(gradient[0])
    for cut in vectors[1:]:
        assert float((cut - vectors[0]).norm()) <= 1e-6 * float(vectors[0].norm())


def test_the_gradient_is_that_of_the_loss_written_out_with_padding() -> None:
    config = RLHFConfig(**SETTINGS, value_coef=0.3)
    policy, critic = tiny_gpt(), tiny_gpt(2)
    experience = experience_of(policy, config)
    plain_policy, plain_critic = copy.deepcopy(policy), copy.deepcopy(critic)
    learner = learner_of(policy, critic, learning_rate=0.0)
    head = copy.deepcopy(learner.value_head)
    assert isinstance(head, nn.Linear)
    gradients = []
    step = learner.optimizer.step
    learner.optimizer.step = lambda rate=None: (  # type: ignore[method-assign]
        gradients.append(learner.optimizer._gradient.clone()), step(rate),
    )[1]  # fmt: skip
    update(learner, experience, config, 0.0, 0.1, torch.Generator())

    samples = experience.samples
    total = 0.0
    for row in range(len(samples)):
        tokens = torch.tensor(samples.token_lists()[row])
        length, start = int(samples.response_lengths[row]), int(samples.prompt_lengths[row])
        batch = TokenBatch.from_padded(tokens[None, :-1])
        hidden = plain_policy(batch)[start - 1 :]
        log_probs = plain_policy.logits(hidden).log_softmax(1)[torch.arange(length), tokens[start:]]
        ratio = (log_probs - samples.log_probs[row, :length]).exp()
        a = experience.advantages[row, :length]
        policy_loss = -torch.minimum(ratio * a, ratio.clamp(0.8, 1.2) * a).sum()
        v = head(plain_critic(batch)[start - 1 :]).squeeze(1)
        old, target = experience.values[row, :length], experience.returns[row, :length]  # type: ignore[index]
        near = old + (v - old).clamp(-0.2, 0.2)
        value_loss = 0.5 * torch.maximum((v - target) ** 2, (near - target) ** 2).sum()
        total = total + policy_loss + 0.3 * value_loss
    (total / float(samples.response_lengths.sum())).backward()  # type: ignore[attr-defined]
    modules = (plain_policy, head, plain_critic)
    ordered = sorted([p for m in modules for p in m.parameters()], key=lambda p: p.ndim < 2)
    expected = torch.cat([p.grad.flatten() for p in ordered if p.grad is not None])
    assert float((gradients[0] - expected).norm()) <= 2e-6 * float(expected.norm())


def test_learning_raises_the_probability_of_what_was_good() -> None:
    config = RLHFConfig(**{**SETTINGS, "epochs": 3})
    policy = tiny_gpt()
    experience = experience_of(policy, config)
    samples = experience.samples
    learner = learner_of(policy, tiny_gpt(2))
    update(learner, experience, config, 0.001, 0.0, torch.Generator())
    hidden = policy(samples.context)[samples.predictors]
    change = policy.log_probs(hidden, samples.targets) - samples.log_probs[samples.mask]
    gained = (change * experience.advantages[samples.mask]).mean()
    assert float(gained.detach()) > 0.01


def test_the_epochs_stop_once_the_policy_went_too_far() -> None:
    config = RLHFConfig(**{**SETTINGS, "epochs": 6}, target_kl=1e-4)
    policy = tiny_gpt()
    learner = learner_of(policy, tiny_gpt(2))
    report = update(learner, experience_of(policy, config), config, 0.02, 0.1, torch.Generator())
    assert 1 < report.epochs < 6


def test_without_a_critic_there_is_no_value_loss() -> None:
    config = RLHFConfig(**SETTINGS, algorithm="reinforce++")
    policy = tiny_gpt()
    learner = Learner(policy, FlatAdamW([policy], 0.01))
    report = update(learner, experience_of(policy, config), config, 0.01, 0.1, torch.Generator())
    assert math.isnan(report.value_loss)
    assert math.isfinite(report.policy_loss)


def test_a_penalty_in_the_loss_pulls_towards_the_reference() -> None:
    settings = {**SETTINGS, "epochs": 8, "algorithm": "reinforce++", "kl_placement": "loss"}
    config = RLHFConfig(**settings, kl_estimator="k2", reward_clip=1e-9, missing_end_penalty=0.0)
    distances = []
    for kl_coef in (0.0, 20.0):
        policy = tiny_gpt()
        experience = experience_of(policy, config)
        samples = experience.samples
        learner = Learner(policy, FlatAdamW([policy], 0.01))
        update(learner, experience, config, 0.002, kl_coef, torch.Generator())
        hidden = policy(samples.context)[samples.predictors]
        log_probs = policy.log_probs(hidden, samples.targets).detach()
        reference = experience.reference_log_probs[samples.mask]
        distances.append(float((log_probs - reference).square().mean()))
    assert distances[1] < 0.5 * distances[0]
