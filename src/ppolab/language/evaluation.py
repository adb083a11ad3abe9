"""What a policy writes when it is asked held-out prompts, in numbers and in words."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from ppolab.language.generation import Samples, Sampling, generate
from ppolab.language.models import LanguageModel
from ppolab.language.ranks import Ranks, gather_samples
from ppolab.language.rewards import RewardFunction, texts_of
from ppolab.language.rollouts import Rollouts
from ppolab.language.sft import Example, validation_loss
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.tokens import TokenBatch

SHOWN_SAMPLES = 4  # texts of each evaluation that are recorded for people to read
_SEED = 12345  # of the draws: the same chance for every policy, so that texts can be compared


@dataclass(frozen=True)
class PolicyEvaluation:
    """Means over the responses to held-out prompts."""

    reward: float  # of the reward function that is trained against
    gold: float  # of the judge that it stands for; NaN where there is none
    kl: float  # to the reference, nats per response
    reference_nll: float  # how surprised the reference is, nats per token
    distinct_2: float  # share of pairs of neighbouring words that occur only once in the lot
    length: float  # tokens
    ended: float  # share of responses that ended by themselves
    texts: tuple[str, ...]
    gold_error: float = math.nan  # standard error of the mean `gold`
    perplexity: float = math.nan  # of held-out texts of the corpus, if any were given
    accuracy: float = math.nan  # share of right answers, where there is right and wrong
    greedy_accuracy: float = math.nan  # the same when the likeliest token is always taken
    second_gold: float = math.nan  # of a judge of another kind, if there is one

    def metrics(self) -> dict[str, float]:
        """The numbers under the names that a run records them by; without those not measured."""
        measured = {
            "eval_reward": self.reward,
            "eval_gold": self.gold,
            "eval_kl": self.kl,
            "eval_reference_nll": self.reference_nll,
            "eval_distinct_2": self.distinct_2,
            "eval_length": self.length,
            "eval_ended": self.ended,
        }
        extra = {
            "eval_gold_error": self.gold_error,
            "eval_perplexity": self.perplexity,
            "eval_accuracy": self.accuracy,
            "eval_accuracy_greedy": self.greedy_accuracy,
            "eval_gold_second": self.second_gold,
        }
        return measured | {key: value for key, value in extra.items() if not math.isnan(value)}


@torch.no_grad()
def evaluate_policy(
    policy: LanguageModel,
    reference: LanguageModel,
    tokenizer: Tokenizer,
    prompts: Sequence[list[int]],
    sampling: Sampling,
    reward: RewardFunction,
    gold: RewardFunction | None = None,
    corpus: Sequence[Example] = (),
    ranks: Ranks | None = None,
    verifiable: bool = False,
    second: RewardFunction | None = None,
) -> PolicyEvaluation:
    """Let the policy answer every prompt once, always with the same draws.

    Args:
        policy: who answers.
        reference: whom it is compared with.
        tokenizer: of both.
        prompts: each a list of token ids.
        sampling: how answers are drawn.
        reward: what is trained against.
        gold: what the reward stands for.
        corpus: held-out texts of the kind that the policy was taught before: how well it still
            foretells them says what it has forgotten.
        ranks: who share the prompts.
        verifiable: the gold judge gives 1 to a right answer and 0 to a wrong one. The answers that
            the policy thinks likeliest are then judged too, for drawing at random errs of itself.
        second: a judge of another kind than the first.
    """
    ranks = ranks if ranks is not None and len(prompts) >= ranks.size else Ranks()
    generator = torch.Generator().manual_seed(_SEED)
    own = Rollouts()(policy, prompts, sampling, tokenizer.end, generator, None, ranks)
    with ranks.reading(policy, reference):
        own_reference = response_log_probs(reference, own, sampling.temperature or 1.0)
    own_texts = texts_of(own, tokenizer)
    rewards = ranks.gather(reward(own, own_texts))
    judged = ranks.gather(gold(own, own_texts)) if gold is not None else None
    again = ranks.gather(second(own, own_texts)) if second is not None else None
    samples, reference_log_probs = gather_samples(ranks, own), ranks.gather(own_reference)
    texts = own_texts if ranks.size == 1 else texts_of(samples, tokenizer)
    log_ratio = (samples.log_probs - reference_log_probs) * samples.mask
    greedy = math.nan
    if verifiable and gold is not None:
        surest = replace(sampling, temperature=0.0)
        likeliest = Rollouts()(policy, prompts, surest, tokenizer.end, generator, None, ranks)
        greedy = float(ranks.gather(gold(likeliest, texts_of(likeliest, tokenizer))).mean())
    return PolicyEvaluation(
        reward=float(rewards.mean()),
        gold=float(judged.mean()) if judged is not None else math.nan,
        kl=float(log_ratio.sum(1).mean()),
        reference_nll=-float(reference_log_probs[samples.mask].mean()),
        distinct_2=distinct_n(texts, 2),
        length=float(samples.response_lengths.float().mean()),
        ended=float(samples.ended.float().mean()),
        texts=tuple(texts),
        gold_error=_standard_error(judged),
        perplexity=math.exp(validation_loss(policy, corpus)) if corpus else math.nan,
        accuracy=float(judged.mean()) if verifiable and judged is not None else math.nan,
        greedy_accuracy=greedy,
        second_gold=float(again.mean()) if again is not None else math.nan,
    )


@torch.no_grad()
def answers(
    model: LanguageModel, tokenizer: Tokenizer, prompts: Sequence[list[int]], sampling: Sampling
) -> list[str]:
    """Texts that a model makes of some prompts, always with the same draws."""
    samples = generate(
        model, TokenBatch.from_sequences(prompts), sampling, tokenizer.end,
        torch.Generator().manual_seed(_SEED),
    )  # fmt: skip
    return texts_of(samples, tokenizer)


def _standard_error(scores: Tensor | None) -> float:
    if scores is None or len(scores) < 2:
        return math.nan
    return float(scores.std()) / math.sqrt(len(scores))


def response_log_probs(model: LanguageModel, samples: Samples, temperature: float = 1.0) -> Tensor:
    """A model's log-probabilities of responses, whoever wrote them.

    Returns:
        [rows, longest response] nats, 0 outside the responses.
    """
    hidden = model.at(samples.context, samples.predictors)
    return samples.pad(model.log_probs(hidden, samples.targets, temperature))


def distinct_n(texts: Sequence[str], n: int) -> float:
    """Share of different n-grams of words among all; 1 if none comes twice, near 0 if one reigns.

    Texts too short for an n-gram count for nothing; without any n-gram the share is 0.

    Source: Li et al. (2016), "A diversity-promoting objective function for neural conversation
    models".
    """
    grams = [
        tuple(words[i : i + n])
        for words in (text.split() for text in texts)
        for i in range(len(words) - n + 1)
    ]
    return len(set(grams)) / len(grams) if grams else 0.0
