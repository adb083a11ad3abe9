"""How well a reward model tells answers apart, in the few numbers that a run records."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from ppolab.algorithms.calibration import expected_calibration_error
from ppolab.algorithms.preferences import bradley_terry_loss, preference_probability
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_model import ScoringModel
from ppolab.language.tokens import TokenBatch

_BATCH = 128  # pairs read at a time


@dataclass(frozen=True)
class RewardEvaluation:
    """How well a reward model tells held-out pairs apart."""

    accuracy: float  # share of pairs scored in the raters' order
    gold_accuracy: float  # share scored in the order of the gold scores, whatever raters said
    clear_accuracy: float  # accuracy where gold scores differ by more than one half
    shorter_accuracy: float  # share in the right order of those whose better answer is shorter
    loss: float  # Bradley–Terry, nats; ln 2 ≈ 0.693 knows nothing
    margin: float  # mean difference of scores, chosen less rejected
    spread: float  # standard deviation of all scores; 0 for a dead model
    calibration_error: float  # between claimed and true shares of right order
    disagreement: float  # mean standard deviation between members about a pair; 0 without ensemble

    def metrics(self) -> dict[str, float]:
        """The numbers under the names that a run records them by."""
        return {f"rm_{name}": value for name, value in asdict(self).items()}


@torch.no_grad()
def both_scores(model: ScoringModel, pairs: Sequence[PreferencePair]) -> Tensor:
    """Each member's scores [members, 2, pairs] of chosen and rejected answers, in one batch."""
    texts = [pair.chosen for pair in pairs] + [pair.rejected for pair in pairs]
    scores = model.member_scores(TokenBatch.from_sequences(texts))
    return scores.view(len(scores), 2, len(pairs))


@torch.no_grad()
def evaluate_reward_model(model: ScoringModel, pairs: Sequence[PreferencePair]) -> RewardEvaluation:
    """Measure a model on pairs that it was not trained on; ties are left out."""
    pairs = [pair for pair in pairs if not pair.tie]
    batches = [
        both_scores(model, pairs[start : start + _BATCH]) for start in range(0, len(pairs), _BATCH)
    ]
    members = torch.cat(batches, dim=2)
    chosen, rejected = members[0] if len(members) == 1 else members.mean(0)
    gold = torch.tensor([pair.gold_margin for pair in pairs])
    right = (chosen > rejected).float()  # a tie is no answer, and counts as wrong
    clear = gold.abs() > 0.5
    in_gold_order = torch.where(gold > 0, chosen > rejected, rejected > chosen).float()
    # Where no gold score tells which is better, the raters do.
    in_best_order = torch.where(gold >= 0, chosen > rejected, rejected > chosen).float()
    longer = torch.tensor([len(pair.chosen) - len(pair.rejected) for pair in pairs])
    shorter_is_better = torch.where(gold >= 0, longer, -longer) < 0
    return RewardEvaluation(
        accuracy=float(right.mean()),
        gold_accuracy=float(in_gold_order[gold != 0].mean()),
        clear_accuracy=float(right[clear].mean()),
        shorter_accuracy=float(in_best_order[shorter_is_better].mean()),
        loss=float(bradley_terry_loss(chosen, rejected).mean()),
        margin=float((chosen - rejected).mean()),
        spread=float(torch.cat([chosen, rejected]).std()),
        calibration_error=expected_calibration_error(
            preference_probability(chosen, rejected), torch.ones_like(right)
        ),
        disagreement=float((members[:, 0] - members[:, 1]).std(0, correction=0).mean()),
    )
