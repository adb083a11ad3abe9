import dataclasses
import json
import math
from pathlib import Path

import pytest
import torch
from language_cases import TINY, samples_of, tiny_gpt
from safetensors import safe_open
from torch import Tensor

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.gpt import GPT
from ppolab.language.preference_data import PreferencePair, Ranking, pairs_of
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_ensembles import EnsembleTrainer
from ppolab.language.reward_evaluation import evaluate_reward_model
from ppolab.language.reward_faults import FAULTS
from ppolab.language.reward_heads import RewardShape
from ppolab.language.reward_losses import Davidson, make_loss
from ppolab.language.reward_model import RewardEnsemble, RewardModel
from ppolab.language.reward_training import RewardTrainer
from ppolab.language.store import load_reward_model, save_reward_model
from ppolab.language.tokens import TokenBatch

CONFIG = RewardConfig(
    batch_size=8, learning_rate=0.01, held_out=0.25, evaluate_every=100, dtype="float32"
)
TEXTS = TokenBatch.from_sequences([[0, 4, 9], [0, 7], [0, 30, 31, 5]])


def pairs(count: int = 64) -> list[PreferencePair]:
    """Token 5 anywhere is liked, token 6 is not; nothing else counts."""
    generator = torch.Generator().manual_seed(4)
    made = []
    for _ in range(count):
        rest = torch.randint(7, 37, (4,), generator=generator).tolist()
        good, bad = [0, *rest[:2], 5, *rest[2:]], [0, *rest[2:], 6]
        made.append(PreferencePair(good, bad, 1, gold_margin=1.0))
    return made


def trained(config: RewardConfig, data: list | None = None) -> RewardTrainer:  # type: ignore[type-arg]
    model = RewardModel(GPT(TINY, 1), config.seed, config.shape)
    trainer = RewardTrainer(config, model, data or pairs())
    while not trainer.finished:
        trainer.iterate()
    return trainer


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"pooling": "mean", "head": "mlp"},
        {"pooling": "attention"},
        {"ensemble": "heads", "members": 3},
        {"ensemble": "dropout", "members": 5, "dropout": 0.2},
        {"contrastive": 0.05},
        {"loss": "davidson"},
    ],
    ids=str,
)
def test_every_kind_learns_what_is_liked(changes: dict[str, object]) -> None:
    found = trained(dataclasses.replace(CONFIG, epochs=6, **changes)).evaluate()  # type: ignore[arg-type]
    assert found.accuracy >= 0.9
    assert (found.disagreement > 0) == ("ensemble" in changes)


@pytest.mark.parametrize("loss", ["all-pairs", "plackett-luce"])
def test_rankings_of_three_teach_as_pairs_do(loss: str) -> None:
    rankings = [
        Ranking((p.chosen, [*p.rejected[:-1], 8], p.rejected), 1, (1.0, 0.0, -1.0)) for p in pairs()
    ]
    trainer = trained(dataclasses.replace(CONFIG, loss=loss, epochs=6), rankings)
    assert len(trainer.held_out) == 16 * 3
    assert trainer.evaluate().accuracy > 0.85


def test_scores_arrive_at_the_loss_in_the_order_of_the_ranking() -> None:
    config = dataclasses.replace(CONFIG, loss="all-pairs", batch_size=2)
    rankings = [Ranking(([0, i], [0, i, 3], [0, 5, i]), 1, (2.0, 1.0, 0.0)) for i in range(9, 13)]
    model = RewardModel(tiny_gpt(), 1)
    trainer = RewardTrainer(config, model, rankings)
    seen: list[Tensor] = []

    class Spy(torch.nn.Module):
        def forward(self, ranked: Tensor, margins: Tensor, ties: Tensor) -> Tensor:
            seen.append(ranked.detach().clone())
            return ranked.sum(1)

    trainer.loss = Spy()
    order = trainer._order.tolist()
    expected = [model(TokenBatch.from_sequences(rankings[i].answers)) for i in order[:2]]
    trainer.learn()
    torch.testing.assert_close(seen[0], torch.stack(expected).detach())


def test_a_member_of_an_ensemble_becomes_what_it_would_have_become_alone() -> None:
    config = dataclasses.replace(CONFIG, ensemble="models", members=2)
    ensemble = EnsembleTrainer(config, GPT(TINY, 1), pairs())
    while not ensemble.finished:
        metrics = ensemble.iterate()
    second = trained(dataclasses.replace(CONFIG, seed=CONFIG.seed + 1))
    member = ensemble.model.members[1].state_dict()
    assert all(torch.equal(member[k], v) for k, v in second.model.state_dict().items())
    assert metrics["rm_disagreement"] > 0
    assert ensemble.held_out == second.held_out


@pytest.mark.parametrize(
    "changes",
    [{"ensemble": "models", "members": 2}, {"ensemble": "heads"}, {"ensemble": "dropout"},
     {"contrastive": 0.1, "loss": "davidson"}],
    ids=str,
)  # fmt: skip
def test_a_training_that_was_interrupted_goes_on_bit_for_bit(changes: dict[str, object]) -> None:
    config = dataclasses.replace(CONFIG, **changes)  # type: ignore[arg-type]

    def fresh() -> EnsembleTrainer | RewardTrainer:
        if config.ensemble == "models":
            return EnsembleTrainer(config, GPT(TINY, 1), pairs())
        return RewardTrainer(config, RewardModel(GPT(TINY, 1), config.seed, config.shape), pairs())

    straight, broken, resumed = fresh(), fresh(), fresh()
    expected = [straight.iterate() for _ in range(4)]
    broken.iterate()
    broken.iterate()
    resumed.restore(*broken.state())
    assert [resumed.iterate() for _ in range(2)] == expected[2:]


def test_several_members_make_a_cautious_reward() -> None:
    model = RewardModel(tiny_gpt(), 1, RewardShape(heads=3))
    samples = samples_of([[0, 4], [0, 7]], [[9, 3], [30, 31]])
    with torch.no_grad():
        members = model.member_scores(samples.whole)
    assert model(samples, []).tolist() == pytest.approx(members.mean(0).tolist())
    model.be_cautious("worst", 0.0)
    assert model(samples, []).tolist() == members.amin(0).tolist()
    model.be_cautious("deviation", 2.0)
    spread = (members - members.mean(0)).square().mean(0).sqrt()
    assert model(samples, []).tolist() == pytest.approx((members.mean(0) - 2 * spread).tolist())
    with pytest.raises(UnknownNameError, match="deviation, mean, variance, worst"):
        model.be_cautious("median", 1.0)


def test_dropped_units_are_drawn_once_so_that_a_text_has_one_score() -> None:
    model = RewardModel(tiny_gpt(), 1, RewardShape(masks=4, dropout=0.5))
    first, again = model.member_scores(TEXTS), model.member_scores(TEXTS)
    assert torch.equal(first, again)
    assert len({tuple(row) for row in first.tolist()}) == 4
    pooled = model.trunk(TEXTS)[TEXTS.last]
    thinned = (pooled * model.kept[2] / 0.5) @ model.head.weight[0]
    torch.testing.assert_close(first[2], thinned)


@pytest.mark.parametrize(
    "make",
    [
        lambda: RewardModel(tiny_gpt(), 1),
        lambda: RewardModel(tiny_gpt(), 1, RewardShape("attention", "mlp", heads=2)),
        lambda: RewardModel(tiny_gpt(), 1, RewardShape(masks=3, dropout=0.3)),
        lambda: RewardEnsemble([RewardModel(tiny_gpt(), seed) for seed in (1, 2)]),
    ],
)
def test_models_are_normalised_and_kept_whole(make, tmp_path: Path) -> None:  # type: ignore[no-untyped-def]
    model = make()
    model.normalize([TEXTS])
    scores = model.member_scores(TEXTS)
    torch.testing.assert_close(scores.mean(1), torch.zeros(len(scores)), atol=1e-5, rtol=0)
    torch.testing.assert_close(scores.std(1), torch.ones(len(scores)))
    save_reward_model(tmp_path / "model", model)
    loaded = load_reward_model(tmp_path / "model")
    assert torch.equal(loaded.member_scores(TEXTS), scores)


def test_a_model_as_earlier_versions_kept_it_still_loads(tmp_path: Path) -> None:
    model = RewardModel(tiny_gpt(), 1)
    names = {name.split(".")[0] for name in model.state_dict()}
    assert names == {"trunk", "head", "shift", "scale"}
    assert model.shift.shape == ()
    save_reward_model(tmp_path / "model", model)
    with safe_open(tmp_path / "model", framework="pt") as file:
        header = json.loads(file.metadata()["ppolab.gpt.1"])
    assert set(header) == {"what", "config"}  # and so it is written


def test_ties_are_learnt_from_by_davidson() -> None:
    loss = make_loss("davidson", 0.0)
    assert isinstance(loss, Davidson)
    ranked = torch.tensor([[math.log(4), 0.0], [math.log(4), 0.0]])
    found = loss(ranked, torch.zeros(2), torch.tensor([False, True]))
    # ν = 1: Z = 4 + 1 + 2
    assert found.exp().reciprocal().tolist() == pytest.approx([4 / 7, 2 / 7])
    found.sum().backward()
    assert loss.log_tie.grad is not None


def test_the_fault_placeholder_falls_and_teaches_nothing() -> None:
    chosen, rejected = torch.tensor([1.0, -2.0]), torch.tensor([5.0, 7.0])
    placeholder, linear = FAULTS["placeholder"].loss, FAULTS["linear"].loss
    assert placeholder is not None
    assert linear is not None
    assert placeholder(chosen, rejected).tolist() == [-1.0, 2.0]
    assert linear(chosen, rejected).tolist() == [4.0, 9.0]
    trainer = trained(dataclasses.replace(CONFIG, fault="placeholder", epochs=2))
    assert (
        trainer.evaluate().margin
        < 0.5 * trained(dataclasses.replace(CONFIG, epochs=2)).evaluate().margin
    )


def test_the_fault_untrained_leaves_every_weight() -> None:
    config = dataclasses.replace(CONFIG, fault="untrained")
    trainer = trained(config)
    fresh = RewardModel(GPT(TINY, 1), config.seed).state_dict()
    assert all(torch.equal(fresh[k], v) for k, v in trainer.model.state_dict().items())
    assert trainer.iteration == trainer.total_steps > 0


def test_accuracy_where_shorter_is_better_by_hand() -> None:
    class Lengths(torch.nn.Module):
        """A model that scores length, and nothing else."""

        def member_scores(self, texts: TokenBatch) -> Tensor:
            return texts.lengths.float().unsqueeze(0)

    long, short, shorter = [1, 2, 3, 4], [1, 5, 6], [1, 7]
    found = evaluate_reward_model(
        Lengths(),  # type: ignore[arg-type]
        [
            PreferencePair(short, long, 1, gold_margin=0.4),  # better and shorter: scored wrongly
            PreferencePair(long, shorter, 1, gold_margin=-0.4),  # the rater erred: wrongly as well
            PreferencePair(long, short, 1, gold_margin=0.4),  # the longer is better
            PreferencePair(short, long, 1, gold_margin=-0.4),  # so it is, and the rater erred
            PreferencePair(shorter, [1, 8], 1, gold_margin=0.4),  # as long
        ],
    )
    assert found.shorter_accuracy == 0.0
    assert found.gold_accuracy == pytest.approx(0.4)
    assert math.isnan(
        evaluate_reward_model(
            Lengths(),  # type: ignore[arg-type]
            [PreferencePair(long, short, 1, gold_margin=0.4)],
        ).shorter_accuracy
    )


def test_the_fault_swapped_is_seen_by_gold_accuracy_alone() -> None:
    found = trained(dataclasses.replace(CONFIG, fault="swapped", epochs=6)).evaluate()
    assert found.accuracy >= 0.9
    assert found.gold_accuracy <= 0.1


def test_pairs_of_a_ranking_leave_out_those_of_one_worth() -> None:
    ranking = Ranking(([1], [2], [3]), 1, (0.5, 0.5, -0.5))
    found = pairs_of([ranking])
    assert [(p.chosen, p.rejected, p.gold_margin) for p in found] == [
        ([1], [3], 1.0), ([2], [3], 1.0),
    ]  # fmt: skip
    assert ranking.swapped().gold == (-0.5, 0.5, 0.5)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"loss": "hinge"}, "loss: 'hinge' is not known"),
        ({"pooling": "max"}, "pooling: 'max' is not known"),
        ({"ensemble": "heads", "members": 1}, "members: 1 leave no ensemble"),
        ({"ensemble": "dropout", "dropout": 0.0}, "dropout: 0.0 must lie in"),
        ({"contrastive": -1.0}, "contrastive: -1.0 must not be negative"),
        ({"loss": "davidson", "label_smoothing": 0.1}, "means nothing to the loss davidson"),
        ({"fault": "linear", "loss": "davidson"}, "replaces the loss"),
        ({"fault": "typo"}, "fault: 'typo' is not known"),
    ],
)
def test_settings_that_cannot_be_are_named(changes: dict[str, object], words: str) -> None:
    with pytest.raises((InvalidSettingError, UnknownNameError), match=words):
        RewardConfig(**changes)  # type: ignore[arg-type]
