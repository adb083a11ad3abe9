import math

import pytest
import torch
from language_cases import tiny_gpt

from ppolab.errors import InvalidSettingError
from ppolab.language.optimizer import FlatAdamW
from ppolab.language.sft import (
    Example,
    epochs_of,
    next_token_loss,
    response_tokens,
    validation_loss,
    warmup_then_decay,
    windows,
)
from ppolab.language.tokens import TokenBatch

EXAMPLES = [
    Example([0, 3, 1, 4, 1, 5, 0], prompt=3),
    Example([0, 9, 2, 0], prompt=2),
    Example([0, 6, 5, 3, 5], prompt=1),
]


def test_the_loss_is_the_mean_surprise_of_the_responses_tokens_one_by_one() -> None:
    model = tiny_gpt()
    surprises = []
    for example in EXAMPLES:
        for t in range(example.prompt, len(example.tokens)):
            hidden = model(TokenBatch.from_sequences([example.tokens[:t]]))
            log_softmax = model.logits(hidden[-1:]).log_softmax(1)
            surprises.append(-float(log_softmax[0, example.tokens[t]].detach()))
    assert len(surprises) == response_tokens(EXAMPLES) == 4 + 2 + 4
    loss = next_token_loss(model, EXAMPLES).item()
    assert loss == pytest.approx(sum(surprises) / len(surprises), rel=1e-5)


def test_the_gradient_does_not_depend_on_how_a_batch_is_cut() -> None:
    whole, cut = tiny_gpt(), tiny_gpt()
    next_token_loss(whole, EXAMPLES).backward()
    for example in EXAMPLES:
        next_token_loss(cut, [example], response_tokens(EXAMPLES)).backward()
    for a, b in zip(whole.parameters(), cut.parameters(), strict=True):
        assert a.grad is not None
        assert b.grad is not None
        assert float((a.grad - b.grad).norm()) <= 1e-6 * float(a.grad.norm()) + 1e-7


def test_prompt_tokens_teach_nothing() -> None:
    model = tiny_gpt()
    prompt_only_differs = [Example([0, 7, 7, 4, 1, 5, 0], prompt=3)]
    hidden = model(TokenBatch.from_sequences([[0, 7, 7, 4, 1, 5]]))
    expected = -model.log_probs(hidden[2:], torch.tensor([4, 1, 5, 0])).mean()
    loss = next_token_loss(model, prompt_only_differs)
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)


def test_a_model_learns_one_text_by_heart_its_end_included() -> None:
    model = tiny_gpt(spread=1.0)
    optimizer = FlatAdamW([model], 0.01)
    for _ in range(80):
        next_token_loss(model, EXAMPLES[:1]).backward()
        optimizer.step()
    assert validation_loss(model, EXAMPLES[:1]) < 0.05


def test_validation_weighs_tokens_not_batches() -> None:
    model = tiny_gpt()
    whole = validation_loss(model, EXAMPLES, batch_size=3)
    assert validation_loss(model, EXAMPLES, batch_size=2) == pytest.approx(whole, rel=1e-5)


def test_every_example_comes_once_in_an_epoch() -> None:
    examples = [Example([0, i, 0]) for i in range(1, 7)]
    batches = epochs_of(examples, 2, torch.Generator().manual_seed(1))
    first = [next(batches) for _ in range(3)]
    second = [next(batches) for _ in range(3)]
    assert sorted(e.tokens[1] for batch in first for e in batch) == [1, 2, 3, 4, 5, 6]
    assert [e.tokens for b in first for e in b] != [e.tokens for b in second for e in b]


def test_windows_are_pieces_of_the_text() -> None:
    text = torch.arange(100)
    for example in next(windows(text, 8, 5, torch.Generator().manual_seed(1))):
        assert example.tokens == list(range(example.tokens[0], example.tokens[0] + 8))


def test_the_learning_rate_rises_in_a_line_and_falls_in_a_cosine() -> None:
    assert warmup_then_decay(0.01, warmup=0.02) == pytest.approx(0.5)
    assert warmup_then_decay(0.02, warmup=0.02) == pytest.approx(1.0)
    halfway = 0.05 + 0.95 * 0.5 * (1 + math.cos(math.pi / 2))
    assert warmup_then_decay(0.51, warmup=0.02) == pytest.approx(halfway)
    assert warmup_then_decay(1.0) == pytest.approx(0.05)


def test_an_example_must_leave_something_to_learn() -> None:
    with pytest.raises(InvalidSettingError, match=r"prompt.*leaves nothing to learn of 2 tokens"):
        Example([0, 1], prompt=2)
    with pytest.raises(InvalidSettingError, match=r"batch_size.*more than the 3 examples"):
        next(epochs_of(EXAMPLES, 4, torch.Generator()))
