"""Where a reward model can be trusted: by kind of pair, by how sure it is, and under changes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor

from ppolab.algorithms.calibration import reliability_curve
from ppolab.algorithms.preferences import preference_probability
from ppolab.algorithms.rank_correlation import kendall_tau_b, spearman
from ppolab.errors import InvalidSettingError
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_evaluation import both_scores
from ppolab.language.reward_model import ScoringModel
from ppolab.language.tokenizer import Tokenizer

_BATCH = 128  # pairs read at a time
_SEED = 12345  # of the edits: the same for every model, so that models can be compared

Edit = Callable[[list[str], torch.Generator], list[str]]  # words of an answer → other words


@dataclass(frozen=True)
class Slice:
    """Some of the pairs, and the share of them scored in the raters' order."""

    name: str
    pairs: int
    accuracy: float  # NaN where there is no pair


@dataclass(frozen=True)
class EditEffect:
    """What a small edit of the answers does to scores."""

    name: str
    answers: int  # that the edit changed
    moved: float  # mean change of the score, up or down, in standard deviations of all scores
    flipped: float  # share of pairs in another order once the chosen answer is edited


@dataclass(frozen=True)
class RewardStudy:
    """What there is to know of a reward model on pairs that it was not trained on."""

    slices: tuple[Slice, ...]
    claimed: tuple[float, ...]  # of the reliability curve
    happened: tuple[float, ...]
    counts: tuple[int, ...]
    spearman: float  # of score differences with gold differences
    kendall: float
    edits: tuple[EditEffect, ...]
    shifted: Slice | None  # pairs that another policy wrote
    spread_when_right: float  # standard deviation between members about a pair; 0 without ensemble
    spread_when_wrong: float  # larger, if disagreement warns of errors

    def to_mapping(self) -> dict[str, Any]:
        """Plain data that JSON can hold; None where there is no number."""
        data: dict[str, Any] = _finite(asdict(self))
        return data


def study_reward_model(
    model: ScoringModel,
    pairs: Sequence[PreferencePair],
    tokenizer: Tokenizer,
    shifted: Sequence[PreferencePair] = (),
) -> RewardStudy:
    """Look at a model from all sides.

    Args:
        model: a reward model or an ensemble.
        pairs: that it was not trained on; ties are left out.
        tokenizer: its tokenizer.
        shifted: pairs that another policy wrote, if there are any.

    Raises:
        InvalidSettingError: fewer than two pairs that are no ties.
    """
    pairs = [pair for pair in pairs if not pair.tie]
    if len(pairs) < 2:
        raise InvalidSettingError(
            "pairs", len(pairs), "are too few to study a reward model by", "Hold out 2 or more"
        )
    scores = _scores(model, pairs)  # [members, 2, pairs]
    margins = scores[:, 0] - scores[:, 1]
    mean = margins.mean(0)
    gold = torch.tensor([pair.gold_margin for pair in pairs])
    curve = reliability_curve(
        preference_probability(mean, torch.zeros_like(mean)), torch.ones_like(mean)
    )
    spread, right = margins.std(0, correction=0), mean > 0
    return RewardStudy(
        slices=accuracy_by_slice(mean, pairs),
        claimed=tuple(curve.claimed.tolist()),
        happened=tuple(curve.happened.tolist()),
        counts=tuple(curve.counts.tolist()),
        spearman=spearman(mean, gold),
        kendall=kendall_tau_b(mean, gold),
        edits=tuple(
            _edit_effect(name, edit, model, pairs, tokenizer, scores.mean(0))
            for name, edit in EDITS.items()
        ),
        shifted=_shifted(model, shifted) if shifted else None,
        spread_when_right=float(spread[right].mean()),
        spread_when_wrong=float(spread[~right].mean()),
    )


def accuracy_by_slice(margins: Tensor, pairs: Sequence[PreferencePair]) -> tuple[Slice, ...]:
    """Accuracy by who is longer, by difference of length and by difference of gold score.

    Args:
        margins: [pairs], scores of the chosen less those of the rejected answers.
        pairs: the same pairs.
    """
    longer = torch.tensor([len(pair.chosen) - len(pair.rejected) for pair in pairs])
    gold = torch.tensor([abs(pair.gold_margin) for pair in pairs])
    apart = longer.abs()
    chosen = {
        "chosen is longer": longer > 0,
        "chosen is shorter": longer < 0,
        "same length": longer == 0,
        "lengths 1 to 3 tokens apart": (apart >= 1) & (apart <= 3),
        "lengths 4 to 7 tokens apart": (apart >= 4) & (apart <= 7),
        "lengths 8 or more tokens apart": apart >= 8,
        "gold scores up to 0.25 apart": gold <= 0.25,
        "gold scores 0.25 to 0.5 apart": (gold > 0.25) & (gold <= 0.5),
        "gold scores 0.5 to 1 apart": (gold > 0.5) & (gold <= 1),
        "gold scores more than 1 apart": gold > 1,
    }
    return tuple(_slice(name, margins[rows]) for name, rows in chosen.items())


def swap_words(words: list[str], generator: torch.Generator) -> list[str]:
    """Two neighbouring words, drawn at random, change places."""
    if len(words) < 2:
        return words
    at = int(torch.randint(len(words) - 1, (1,), generator=generator))
    return [*words[:at], words[at + 1], words[at], *words[at + 2 :]]


def delete_word(words: list[str], generator: torch.Generator) -> list[str]:
    """One word, drawn at random, goes; never the only one."""
    if len(words) < 2:
        return words
    at = int(torch.randint(len(words), (1,), generator=generator))
    return [*words[:at], *words[at + 1 :]]


def capitalize_words(words: list[str], generator: torch.Generator) -> list[str]:
    """Every word begins with a capital: the meaning stays, the tokens do not."""
    return [word[:1].upper() + word[1:] for word in words]


EDITS: dict[str, Edit] = {
    "two words swapped": swap_words,
    "one word deleted": delete_word,
    "words capitalised": capitalize_words,
}


def edited(
    tokens: list[int], prompt: int, edit: Edit, tokenizer: Tokenizer, generator: torch.Generator
) -> list[int]:
    """A text with its answer edited; prompt and end token stay as they are.

    Args:
        tokens: the whole text.
        prompt: tokens of the prompt.
        edit: what is done to the answer's words.
        tokenizer: the model's.
        generator: of what the edit draws.
    """
    answer = tokens[prompt:]
    ending = answer[-1:] if answer and answer[-1] == tokenizer.end else []
    words = tokenizer.decode(answer).split()
    changed = edit(words, generator)
    if changed == words:
        return tokens
    return [*tokens[:prompt], *tokenizer.encode(" ".join(changed)), *ending]


def _edit_effect(
    name: str,
    edit: Edit,
    model: ScoringModel,
    pairs: Sequence[PreferencePair],
    tokenizer: Tokenizer,
    before: Tensor,
) -> EditEffect:
    generator = torch.Generator().manual_seed(_SEED)
    limit = model.language_model.context_length
    texts = [edited(pair.chosen, pair.prompt, edit, tokenizer, generator)[:limit] for pair in pairs]
    changed = torch.tensor([text != p.chosen for text, p in zip(texts, pairs, strict=True)])
    count = int(changed.sum())
    if count == 0:
        return EditEffect(name, 0, math.nan, math.nan)
    new_pairs = [
        PreferencePair(text, pair.rejected, pair.prompt)
        for text, pair in zip(texts, pairs, strict=True)
    ]
    after = _scores(model, new_pairs).mean(0)
    moved = (after[0] - before[0])[changed].abs().mean() / before.std().clamp(min=1e-12)
    flipped = ((after[0] > before[1]) != (before[0] > before[1]))[changed]
    return EditEffect(name, count, float(moved), float(flipped.float().mean()))


@torch.no_grad()
def _scores(model: ScoringModel, pairs: Sequence[PreferencePair]) -> Tensor:
    """Scores [members, 2, pairs] of chosen and rejected answers."""
    batches = [
        both_scores(model, pairs[start : start + _BATCH]) for start in range(0, len(pairs), _BATCH)
    ]
    return torch.cat(batches, dim=2)


def _shifted(model: ScoringModel, pairs: Sequence[PreferencePair]) -> Slice:
    scores = _scores(model, pairs).mean(0)
    return _slice("written by another policy", scores[0] - scores[1])


def _slice(name: str, margins: Tensor) -> Slice:
    return Slice(name, len(margins), float((margins > 0).float().mean()))


def _finite(value: Any) -> Any:
    """The same with None for NaN, which JSON has no word for."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
