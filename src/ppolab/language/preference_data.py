"""Pairs of answers and which of them somebody preferred."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppolab.algorithms.preferences import davidson_probabilities, preference_probability
from ppolab.errors import InvalidSettingError
from ppolab.language.generation import Samples, Sampling, generate
from ppolab.language.models import LanguageModel
from ppolab.language.rewards import RewardFunction, texts_of
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.tokens import TokenBatch

_BATCH = 256  # prompts answered at a time
SAME = 1e-6  # gold scores nearer than this are the same
_MOST_WRITTEN = 20  # pairs for each that is wanted, before the judge is called blind


@dataclass(frozen=True)
class PreferencePair:
    """Two answers to one prompt, as whole texts of tokens."""

    chosen: list[int]
    rejected: list[int]
    prompt: int  # tokens at the beginning that both share
    gold_margin: float = 0.0  # gold score of the chosen one less that of the other, if known
    margin: float = 0.0  # how much better raters said it is, reward units
    tie: bool = False  # whether raters could not choose; the order then says nothing

    @property
    def answers(self) -> tuple[list[int], ...]:
        """Whole texts, the better one first."""
        return (self.chosen, self.rejected)

    def pairs(self) -> list[PreferencePair]:
        """Itself alone."""
        return [self]

    def swapped(self) -> PreferencePair:
        """The other answer preferred."""
        return replace(
            self, chosen=self.rejected, rejected=self.chosen, gold_margin=-self.gold_margin
        )


@dataclass(frozen=True)
class Ranking:
    """Several answers to one prompt in the order of how much somebody liked them."""

    answers: tuple[list[int], ...]  # whole texts of tokens from best to worst
    prompt: int  # tokens at the beginning that all share
    gold: tuple[float, ...]  # gold scores in the same order
    margin: float = 0.0  # rankings have none
    tie: bool = False  # nor are they ties

    def pairs(self) -> list[PreferencePair]:
        """Every two of the answers as a comparison, but for those of equal gold score."""
        return [
            PreferencePair(
                self.answers[i], self.answers[j], self.prompt, self.gold[i] - self.gold[j]
            )
            for i, j in combinations(range(len(self.answers)), 2)
            if abs(self.gold[i] - self.gold[j]) >= SAME
        ]

    def swapped(self) -> Ranking:
        """The other way round."""
        return replace(self, answers=self.answers[::-1], gold=self.gold[::-1])


Comparison = PreferencePair | Ranking


def pairs_of(comparisons: Sequence[Comparison]) -> list[PreferencePair]:
    """Every two answers that were compared."""
    return [pair for comparison in comparisons for pair in comparison.pairs()]


@dataclass(frozen=True)
class Rater:
    """Somebody who compares two answers: right on average, not always.

    The probability of preferring the first is that of Bradley and Terry with worths `steepness`
    times the gold scores; a share of answers is given by a coin; long answers may seem better.
    """

    steepness: float = 4.0
    """Nats of preference per unit of gold score; large for a rater who never errs."""
    careless: float = 0.0
    """Share of comparisons answered without looking."""
    length_bias: float = 0.0
    """Nats of preference per word by which an answer is longer."""
    ties: float = 0.0
    """Davidson's ν: how readily a tie is called; 0 never, 1 in a third of equal pairs."""

    def __post_init__(self) -> None:
        if self.steepness < 0:
            raise InvalidSettingError(
                "steepness", self.steepness, "must not be negative", "Give 0 or more"
            )
        if not 0 <= self.ties < math.inf:
            raise InvalidSettingError("ties", self.ties, "must not be negative", "Give 0 or more")
        if not 0 <= self.careless <= 1:
            raise InvalidSettingError(
                "careless", self.careless, "must lie in [0, 1]", "Give a share from 0 to 1"
            )

    def probability(self, gold: Tensor, other_gold: Tensor, words: Tensor, other: Tensor) -> Tensor:
        """Probability [pairs] that the first answer is preferred.

        Args:
            gold: [pairs], gold scores of the first answers.
            other_gold: [pairs], of the second.
            words: [pairs], lengths of the first answers in words.
            other: [pairs], of the second.
        """
        seen = preference_probability(
            self.steepness * gold + self.length_bias * words,
            self.steepness * other_gold + self.length_bias * other,
        )
        return (1.0 - self.careless) * seen + 0.5 * self.careless

    def compare(
        self, gold: Tensor, other_gold: Tensor, words: Tensor, other: Tensor, uniforms: Tensor
    ) -> Tensor:
        """What the rater says of each pair [pairs]: 0 the first, 1 the second, 2 a tie.

        Args:
            gold: [pairs], scores that the rater goes by, of the first answers.
            other_gold: [pairs], of the second.
            words: [pairs], lengths of the first answers in words.
            other: [pairs], of the second.
            uniforms: [pairs] in [0, 1), the chance that decides.
        """
        if self.ties == 0:
            wins = uniforms < self.probability(gold, other_gold, words, other)
            return torch.where(wins, 0, 1)
        seen = davidson_probabilities(
            self.steepness * gold + self.length_bias * words,
            self.steepness * other_gold + self.length_bias * other,
            torch.tensor(math.log(self.ties)),
        )
        first, _, tie = (1.0 - self.careless) * seen.t()  # a coin never calls a tie
        wins = uniforms < first + 0.5 * self.careless
        return torch.where(wins, 0, torch.where(uniforms >= 1.0 - tie, 2, 1))


def compare_answers(
    model: LanguageModel,
    tokenizer: Tokenizer,
    prompts: Sequence[list[int]],
    count: int,
    sampling: Sampling,
    gold: RewardFunction,
    rater: Rater,
    generator: torch.Generator,
    say: Callable[[int, int], None] = lambda done, total: None,
    annotators: Sequence[RewardFunction] = (),
) -> list[PreferencePair]:
    """Write pairs of answers to prompts and have a rater choose between them, `count` times.

    Pairs of equal gold score are dropped, for nobody could choose, and others written instead;
    a rater who may call a tie gets them too.

    Args:
        model: who writes, usually the fine-tuned one.
        tokenizer: its tokenizer.
        prompts: to draw from.
        count: pairs wanted.
        sampling: how answers are drawn.
        gold: what the rater goes by.
        rater: who chooses.
        generator: of answers and choices.
        say: told how many pairs there are of how many.
        annotators: of whom one, drawn anew for each pair, is asked instead of the gold judge.

    Raises:
        InvalidSettingError: the gold judge finds hardly any difference between answers.
    """
    pairs: list[PreferencePair] = []
    written = 0
    while len(pairs) < count:
        refuse_blind_judge(gold, len(pairs), written, count)
        drawn = torch.randint(len(prompts), (_BATCH,), generator=generator).tolist()
        written += _BATCH
        batch = TokenBatch.from_sequences([prompts[i] for i in drawn])
        both = [generate(model, batch, sampling, tokenizer.end, generator) for _ in range(2)]
        texts = [texts_of(samples, tokenizer) for samples in both]
        scores = [gold(samples, t) for samples, t in zip(both, texts, strict=True)]
        words = [torch.tensor([float(len(t.split())) for t in side]) for side in texts]
        seen = judged(both, texts, annotators, generator) or scores
        said = rater.compare(
            seen[0], seen[1], words[0], words[1], torch.rand(len(batch), generator=generator)
        ).tolist()
        tokens = [samples.token_lists() for samples in both]
        for row, outcome in enumerate(said):
            margin = float(scores[0][row] - scores[1][row])
            if abs(margin) < SAME and rater.ties == 0:
                continue
            winner, loser = (1, 0) if outcome == 1 else (0, 1)
            pairs.append(
                PreferencePair(
                    tokens[winner][row], tokens[loser][row], int(batch.lengths[row]),
                    -margin if outcome == 1 else margin, tie=outcome == 2,
                )
            )  # fmt: skip
        say(min(len(pairs), count), count)
    return pairs[:count]


def judged(
    samples: Sequence[Samples],
    texts: Sequence[Sequence[str]],
    annotators: Sequence[RewardFunction],
    generator: torch.Generator,
) -> list[Tensor]:
    """Scores [rows] of each set of answers, row by row by an annotator drawn at random.

    All answers of a row have the same annotator. Empty where there are no annotators.
    """
    if not annotators:
        return []
    rows = len(samples[0])
    who = torch.randint(len(annotators), (rows,), generator=generator)
    return [
        torch.stack([annotator(some, t) for annotator in annotators])[who, torch.arange(rows)]
        for some, t in zip(samples, texts, strict=True)
    ]


def refuse_blind_judge(gold: RewardFunction, found: int, written: int, wanted: int) -> None:
    """Stop writing answers that nobody can tell apart.

    Raises:
        InvalidSettingError: naming the judge.
    """
    if written > _MOST_WRITTEN * wanted:
        raise InvalidSettingError(
            "gold", gold.name, f"scores all but {found} of {written} pairs the same",
            "Choose a judge that can tell these answers apart",
        )  # fmt: skip


def write_pairs(path: Path, pairs: Sequence[PreferencePair], tokenizer: Tokenizer) -> None:
    """Write pairs as JSON lines that people can read: prompt, chosen, rejected."""
    with path.open("w", encoding="utf8") as file:
        for pair in pairs:
            line = {
                "prompt": tokenizer.decode(pair.chosen[: pair.prompt]),
                "chosen": tokenizer.decode(pair.chosen),
                "rejected": tokenizer.decode(pair.rejected),
                "gold_margin": round(pair.gold_margin, 6),
                "margin": pair.margin,
                "tokens": [pair.prompt, pair.chosen, pair.rejected],
            }
            if pair.tie:
                line["tie"] = True
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


def read_pairs(path: Path, tokenizer: Tokenizer) -> list[PreferencePair]:
    """Read pairs from JSON lines with "prompt", "chosen" and "rejected".

    Token ids are taken where the file has them, else the texts are encoded. `chosen` and
    `rejected` may repeat the prompt or go on from it.

    Raises:
        InvalidSettingError: naming the line that cannot be used.
    """
    pairs: list[PreferencePair] = []
    for number, line in enumerate(path.read_text("utf8").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            pairs.append(_pair_of(json.loads(line), tokenizer))
        except (ValueError, KeyError, TypeError) as error:
            raise InvalidSettingError(
                "pairs", f"{path.name}, line {number}", f"cannot be used ({error!r})",
                'Each line is {"prompt": …, "chosen": …, "rejected": …}',
            ) from error  # fmt: skip
    return pairs


def _pair_of(data: dict[str, Any], tokenizer: Tokenizer) -> PreferencePair:
    margin, gold = float(data.get("margin", 0.0)), float(data.get("gold_margin", 0.0))
    tie = bool(data.get("tie", False))
    if "tokens" in data:
        prompt, chosen, rejected = data["tokens"]
        return PreferencePair(chosen, rejected, int(prompt), gold, margin, tie)
    given = tokenizer.prompt(data["prompt"])
    sides = []
    for side in ("chosen", "rejected"):
        answer = str(data[side])
        rest = answer.removeprefix(data["prompt"])
        if not rest.strip():
            raise ValueError(f"{side} is empty")
        sides.append([*given, *tokenizer.answer(rest), tokenizer.end])
    return PreferencePair(sides[0], sides[1], len(given), gold, margin, tie)
