import math

import pytest
import torch
from language_cases import tiny_gpt
from torch import Tensor

from ppolab.errors import InvalidSettingError, UnknownNameError
from ppolab.language.reward_heads import (
    AttentionPooling,
    LastToken,
    MeanPooling,
    MLPHeads,
    RewardShape,
    drop_units,
    make_heads,
)
from ppolab.language.reward_model import RewardModel
from ppolab.language.tokens import TokenBatch

BATCH = TokenBatch.from_sequences([[5, 6, 7], [8]])
STATES = torch.tensor([[1.0, 2.0], [3.0, 0.0], [5.0, 4.0], [7.0, -2.0]])  # [tokens, width]


def test_poolings_of_two_texts_by_hand() -> None:
    assert LastToken()(STATES, BATCH).tolist() == [[5.0, 4.0], [7.0, -2.0]]
    assert MeanPooling()(STATES, BATCH).tolist() == [[3.0, 2.0], [7.0, -2.0]]


def test_attention_begins_as_the_mean_and_learns_to_look() -> None:
    pool = AttentionPooling(2)
    torch.testing.assert_close(pool(STATES, BATCH), MeanPooling()(STATES, BATCH))
    with torch.no_grad():
        pool.query.copy_(torch.tensor([math.sqrt(2) * math.log(2) / 2, 0.0]))
    # Fits ½·ln 2 times 1, 3, 5: weights 1 : 2 : 4 within the first text.
    expected = [(1 + 2 * 3 + 4 * 5) / 7, (2 + 4 * 4) / 7]
    pooled = pool(STATES, BATCH)
    assert pooled[0].tolist() == pytest.approx(expected)
    assert pooled[1].tolist() == [7.0, -2.0]
    pooled[0, 0].backward()
    assert pool.query.grad is not None
    assert float(pool.query.grad[0]) > 0  # to look where the first unit is large makes it larger


def test_attention_of_huge_fits_stays_finite() -> None:
    pool = AttentionPooling(2)
    with torch.no_grad():
        pool.query.fill_(1000.0)
    assert pool(STATES, BATCH).tolist() == [[5.0, 4.0], [7.0, -2.0]]


def test_a_hidden_layer_by_hand_each_head_with_its_own() -> None:
    heads = MLPHeads(1, 2, torch.Generator())
    with torch.no_grad():
        heads.hidden.weight.copy_(torch.tensor([[10.0], [-10.0]]))  # GELU: 10·x or 0 for x of 1
        heads.weight.copy_(torch.tensor([[0.5], [3.0]]))
        heads.bias.copy_(torch.tensor([1.0, 2.0]))
    scores = heads(torch.tensor([[1.0], [-1.0]]))
    torch.testing.assert_close(scores, torch.tensor([[6.0, 2.0], [1.0, 32.0]]))


def test_first_weights_are_spread_as_published_and_follow_the_seed() -> None:
    def weight(seed: int) -> Tensor:
        head = make_heads(RewardShape(), 4095, torch.Generator().manual_seed(seed))
        assert head.bias.tolist() == [0.0]
        return head.weight

    assert weight(1).detach().std().item() == pytest.approx(1 / 64, rel=0.03)
    assert torch.equal(weight(1), weight(1))
    assert not torch.equal(weight(1), weight(2))


def test_dropping_keeps_the_mean_and_drops_the_share() -> None:
    dropped = drop_units(torch.ones(200, 100), 0.25, torch.Generator().manual_seed(1))
    assert float((dropped == 0).float().mean()) == pytest.approx(0.25, abs=0.01)
    assert sorted(set(dropped.flatten().tolist())) == pytest.approx([0.0, 4 / 3])


@pytest.mark.parametrize("pooling", ["last", "mean", "attention"])
@pytest.mark.parametrize("head", ["linear", "mlp"])
def test_a_texts_score_does_not_depend_on_its_neighbours(pooling: str, head: str) -> None:
    model = RewardModel(tiny_gpt(), 3, RewardShape(pooling, head, heads=2))
    texts = [[0, 4, 9, 11, 2], [0, 7], [0, 30, 31]]
    together = model.member_scores(TokenBatch.from_sequences(texts))
    alone = [model.member_scores(TokenBatch.from_sequences([text])) for text in texts]
    assert together.shape == (2, 3)
    torch.testing.assert_close(together, torch.cat(alone, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        (lambda: RewardShape("first"), UnknownNameError),
        (lambda: RewardShape(head="forest"), UnknownNameError),
        (lambda: RewardShape(heads=2, masks=2), InvalidSettingError),
        (lambda: RewardShape(dropout=1.0), InvalidSettingError),
    ],
)
def test_shapes_that_cannot_be_are_refused(shape, error) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error):
        shape()
