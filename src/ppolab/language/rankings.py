"""Rankings of several answers to one prompt, as a rater would put them in order."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from ppolab.language.generation import Sampling, generate
from ppolab.language.models import LanguageModel
from ppolab.language.preference_data import SAME, Ranking, Rater, judged, refuse_blind_judge
from ppolab.language.rewards import RewardFunction, texts_of
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.tokens import TokenBatch

_BATCH = 128  # prompts answered at a time


def rank_answers(
    model: LanguageModel,
    tokenizer: Tokenizer,
    prompts: Sequence[list[int]],
    count: int,
    answers: int,
    sampling: Sampling,
    gold: RewardFunction,
    rater: Rater,
    generator: torch.Generator,
    say: Callable[[int, int], None] = lambda done, total: None,
    annotators: Sequence[RewardFunction] = (),
) -> list[Ranking]:
    """Write several answers to each prompt and have a rater put them in order, `count` times.

    Answers that all have the same gold score are dropped, and others written instead.

    Args:
        model: who writes.
        tokenizer: its tokenizer.
        prompts: to draw from.
        count: rankings wanted.
        answers: answers in each.
        sampling: how answers are drawn.
        gold: what the rater goes by, unless there are annotators.
        rater: who ranks; calls no ties.
        generator: of answers and orders.
        say: told how many rankings there are of how many.
        annotators: of whom one, drawn anew for each prompt, ranks by scores of their own.

    Raises:
        InvalidSettingError: the gold judge finds hardly any difference between answers.
    """
    rankings: list[Ranking] = []
    written = 0
    while len(rankings) < count:
        refuse_blind_judge(gold, len(rankings), written, count)
        drawn = torch.randint(len(prompts), (_BATCH,), generator=generator).tolist()
        written += _BATCH
        batch = TokenBatch.from_sequences([prompts[i] for i in drawn])
        all_ = [generate(model, batch, sampling, tokenizer.end, generator) for _ in range(answers)]
        texts = [texts_of(samples, tokenizer) for samples in all_]
        scores = torch.stack([gold(samples, t) for samples, t in zip(all_, texts, strict=True)], 1)
        seen = torch.stack(judged(all_, texts, annotators, generator) or scores.unbind(1), 1)
        words = torch.tensor([[float(len(t.split())) for t in side] for side in texts]).t()
        order = draw_order(rater, seen, words, generator).tolist()
        tokens = [samples.token_lists() for samples in all_]
        for row, places in enumerate(order):
            if float(scores[row].max() - scores[row].min()) < SAME:
                continue
            rankings.append(
                Ranking(
                    tuple(tokens[place][row] for place in places), int(batch.lengths[row]),
                    tuple(float(scores[row, place]) for place in places),
                )
            )  # fmt: skip
        say(min(len(rankings), count), count)
    return rankings[:count]


def draw_order(rater: Rater, gold: Tensor, words: Tensor, generator: torch.Generator) -> Tensor:
    """An order [rows, answers] of answers from best to worst, by Plackett and Luce.

    Worths plus noise of Gumbel's distribution, sorted, are such an order (Yellott 1977); for two
    answers it is the rater's comparison. A careless rater's worths are all the same.

    Args:
        rater: who ranks.
        gold: [rows, answers], scores that the rater goes by.
        words: [rows, answers], lengths in words.
        generator: of the noise.
    """
    worths = rater.steepness * gold + rater.length_bias * words
    careless = torch.rand(len(gold), 1, generator=generator) < rater.careless
    uniform = torch.rand(gold.shape, generator=generator).clamp(1e-7, 1 - 1e-7)
    return (torch.where(careless, 0.0, worths) - (-uniform.log()).log()).argsort(1, descending=True)
