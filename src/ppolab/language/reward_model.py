"""A model of preferences: a language model that reads a response and says what it is worth."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from ppolab.algorithms.conservative_scores import (
    mean_minus_deviation,
    mean_minus_variance,
    mean_score,
    worst_case,
)
from ppolab.errors import UnknownNameError
from ppolab.language.generation import Samples
from ppolab.language.models import LanguageModel
from ppolab.language.reward_heads import (
    LastToken,
    RewardShape,
    drop_units,
    make_heads,
    make_pooling,
)
from ppolab.language.tokens import TokenBatch

# How members' scores become one, by the caution that is asked for.
RULES: dict[str, Callable[[Tensor, float], Tensor]] = {
    "mean": lambda scores, caution: mean_score(scores),
    "deviation": mean_minus_deviation,
    "variance": mean_minus_variance,
    "worst": lambda scores, caution: worst_case(scores),
}


class ScoringModel(nn.Module):
    """What every reward model can do, be it one or many: score texts, and say how sure it is."""

    name = "reward model"
    rule = "mean"
    caution = 0.0

    @property
    def language_model(self) -> LanguageModel:
        """One that has learnt to score, for a critic to begin as."""
        raise NotImplementedError

    def member_scores(self, batch: TokenBatch) -> Tensor:
        """Scores [members, rows] float32 of whole texts; one member where there is no ensemble."""
        raise NotImplementedError

    def scale_members(self, scores: Tensor | None) -> None:
        """Bring each member to mean 0 and deviation 1 on scores [members, texts]; None undoes."""
        raise NotImplementedError

    def be_cautious(self, rule: str, caution: float) -> None:
        """Score by a rule from now on: mean, deviation, variance or worst.

        Raises:
            UnknownNameError: there is no such rule.
        """
        if rule not in RULES:
            raise UnknownNameError("rule", rule, sorted(RULES))
        self.rule, self.caution = rule, caution

    def forward(self, batch: TokenBatch) -> Tensor:
        """Scores [rows] float32 of whole texts."""
        scores = self.member_scores(batch)
        return scores[0] if len(scores) == 1 else RULES[self.rule](scores, self.caution)

    def __call__(self, *arguments: object, **named: object) -> Tensor:
        """As `forward`; or, given samples and texts, as a reward function."""
        if isinstance(arguments[0], Samples):
            with torch.no_grad():
                return self.forward(arguments[0].whole)
        scores: Tensor = super().__call__(*arguments, **named)
        return scores

    @torch.no_grad()
    def normalize(self, batches: Sequence[TokenBatch]) -> None:
        """Make each member's scores of these texts have mean 0 and standard deviation 1.

        Texts of the reference policy serve best (Ziegler et al. 2019): rewards then have a scale
        that the KL coefficient can be chosen for, and members can be compared, for comparisons
        alone leave it open where a member's scale has its 0.
        """
        self.scale_members(None)
        self.scale_members(torch.cat([self.member_scores(batch) for batch in batches], dim=1))


class RewardModel(ScoringModel):
    """A language model with a head that reads its hidden states.

    With several heads, or several ways to drop units before the head, one model is an ensemble.
    Each way to drop units is drawn once and then kept: it stands for one network out of those that
    dropout trains, and the same text always gets the same score (Gal and Ghahramani 2016).
    """

    shift: Tensor
    scale: Tensor
    kept: Tensor

    def __init__(self, trunk: LanguageModel, seed: int = 0, shape: RewardShape | None = None):
        super().__init__()
        self.shape = shape or RewardShape()
        self.trunk = trunk
        generator = torch.Generator().manual_seed(seed)
        self.head = make_heads(self.shape, trunk.hidden_size, generator)
        self.pool = make_pooling(self.shape, trunk.hidden_size)
        members = self.shape.members
        several = (members,) if members > 1 else ()
        self.register_buffer("shift", torch.zeros(several))
        self.register_buffer("scale", torch.ones(several))
        if self.shape.masks:
            drawn = torch.rand(members, trunk.hidden_size, generator=generator)
            self.register_buffer("kept", drawn >= self.shape.dropout)

    @property
    def language_model(self) -> LanguageModel:
        """The model under the head."""
        return self.trunk

    def member_scores(self, batch: TokenBatch) -> Tensor:
        """Scores [members, rows] float32 of whole texts."""
        pooled = self._pooled(batch)
        if self.shape.masks:
            share = 1.0 - self.shape.dropout
            views = [self.head(pooled * kept / share) for kept in self.kept]
            scores = torch.cat(views, dim=1)
        else:
            scores = self.head(pooled)
        return (scores.float().t() - self.shift.view(-1, 1)) * self.scale.view(-1, 1)

    def read(self, batch: TokenBatch, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Scores [heads, rows] float32 to learn by, and what the head saw [rows, width].

        Units are dropped anew in each row, if at all.
        """
        pooled = self._pooled(batch)
        dropping = self.shape.masks > 0
        seen = drop_units(pooled, self.shape.dropout, generator) if dropping else pooled
        scores = self.head(seen).float().t()
        if dropping:  # all masks share one head; scales are only known once learning is over
            return scores, pooled
        return (scores - self.shift.view(-1, 1)) * self.scale.view(-1, 1), pooled

    def _pooled(self, batch: TokenBatch) -> Tensor:
        """What the heads read, [rows, width]."""
        if isinstance(self.pool, LastToken):
            return self.trunk.at(batch, batch.last)
        pooled: Tensor = self.pool(self.trunk(batch), batch)
        return pooled

    @torch.no_grad()
    def scale_members(self, scores: Tensor | None) -> None:
        """Bring each member to mean 0 and deviation 1 on scores [members, texts]; None undoes."""
        if scores is None:
            self.shift.zero_()
            self.scale.fill_(1.0)
            return
        means = torch.stack([member.mean() for member in scores])
        deviations = torch.stack([member.std() for member in scores])
        self.shift.copy_(means.view(self.shift.shape))
        self.scale.copy_((1.0 / deviations.clamp(min=1e-6)).view(self.scale.shape))


class RewardEnsemble(ScoringModel):
    """Reward models that were trained apart, from other heads and in another order.

    Source: Coste et al. (2024), "Reward model ensembles help mitigate overoptimization".
    """

    def __init__(self, members: Sequence[RewardModel]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)

    @property
    def language_model(self) -> LanguageModel:
        """The first member's."""
        first = self.members[0]
        assert isinstance(first, RewardModel)
        return first.trunk

    def member_scores(self, batch: TokenBatch) -> Tensor:
        """Scores [members, rows] float32 of whole texts."""
        return torch.cat([member.member_scores(batch) for member in self._models()])

    def scale_members(self, scores: Tensor | None) -> None:
        """Bring each member to mean 0 and deviation 1 on scores [members, texts]; None undoes."""
        for index, member in enumerate(self._models()):
            member.scale_members(None if scores is None else scores[index : index + 1])

    def _models(self) -> list[RewardModel]:
        return [member for member in self.members if isinstance(member, RewardModel)]
