import math

import pytest
import torch
from language_cases import END, TINY, samples_of, tiny_gpt

from ppolab.errors import InvalidSettingError
from ppolab.language.generation import Samples, Sampling, _halved, draw, generate
from ppolab.language.tokens import TokenBatch

PROMPTS = TokenBatch.from_sequences([[3, 1, 4], [1, 5], [9, 2, 6, 5], [3], [5, 8]])


def write(seed: int = 1, prompts: TokenBatch = PROMPTS, **settings: float) -> Samples:
    sampling = Sampling(**{"longest": 12, **settings})
    generator = torch.Generator().manual_seed(seed)
    return generate(tiny_gpt(), prompts, sampling, END, generator)


@pytest.mark.parametrize("temperature", [1.0, 0.6])
def test_log_probs_of_writing_are_those_of_reading(temperature: float) -> None:
    # The invariant that PPO's first minibatch rests on: the ratio is 1.
    samples = write(temperature=temperature)
    assert len(set(samples.response_lengths.tolist())) > 1  # some rows were dropped on the way
    model = tiny_gpt()
    hidden = model(samples.context)[samples.predictors]
    log_probs = model.log_probs(hidden, samples.targets, temperature)
    written = samples.log_probs[samples.mask]
    torch.testing.assert_close(log_probs, written, rtol=0, atol=2e-5)
    assert float((log_probs - written).square().mean().detach()) <= 1e-9
    assert not samples.log_probs[~samples.mask].any()


def test_a_row_does_not_depend_on_its_company() -> None:
    together = write(temperature=0)
    for row in range(len(PROMPTS)):
        length = int(PROMPTS.lengths[row])
        prompt = PROMPTS.spread(PROMPTS.tokens)[row, :length].tolist()
        alone = write(temperature=0, prompts=TokenBatch.from_sequences([prompt]))
        count = int(together.response_lengths[row])
        assert alone.response_lengths.tolist() == [count]
        assert together.responses[row, :count].tolist() == alone.responses[0].tolist()


def test_responses_stop_at_their_end_token_or_at_the_longest_length() -> None:
    samples = write()
    for row in range(len(samples)):
        response = samples.responses[row, : samples.response_lengths[row]].tolist()
        assert END not in response[:-1]
        assert bool(samples.ended[row]) == (response[-1] == END)
        assert samples.ended[row] or len(response) == 12
    assert samples.ended.any()
    assert not samples.ended.all()


def test_the_same_generator_writes_the_same_and_another_does_not() -> None:
    assert torch.equal(write(1).responses, write(1).responses)
    assert write(1).token_lists() != write(2).token_lists()


def test_a_critic_on_the_same_trunk_sees_the_state_before_each_token() -> None:
    model = tiny_gpt()
    samples = generate(
        model, PROMPTS, Sampling(longest=8), END, torch.Generator().manual_seed(1),
        value_head=lambda hidden: hidden.sum(1),
    )  # fmt: skip
    assert samples.values is not None
    expected = model(samples.context)[samples.predictors].sum(1).detach()
    torch.testing.assert_close(samples.values[samples.mask], expected, rtol=1e-4, atol=1e-4)
    assert not samples.values[~samples.mask].any()


def test_uniform_chance_is_turned_into_tokens_by_the_cumulative_distribution() -> None:
    logits = torch.tensor([[math.log(0.5), math.log(0.2), math.log(0.3)]]).repeat(5, 1)
    uniforms = torch.tensor([0.0, 0.49, 0.51, 0.69, 0.71])
    tokens, log_probs = draw(logits, Sampling(), uniforms)
    assert tokens.tolist() == [0, 0, 1, 1, 2]
    expected = [math.log(p) for p in (0.5, 0.5, 0.2, 0.2, 0.3)]
    assert log_probs.tolist() == pytest.approx(expected, abs=1e-6)


def test_temperature_zero_takes_the_likeliest_token() -> None:
    tokens, log_probs = draw(
        torch.tensor([[0.0, 2.0, 1.0]]), Sampling(temperature=0), torch.tensor([0.999])
    )
    assert tokens.tolist() == [1]
    assert float(log_probs) == pytest.approx(2 - math.log(1 + math.e**2 + math.e), abs=1e-6)


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"top_k": 2}, {0, 2}),
        ({"top_p": 0.5}, {0}),
        ({"top_p": 0.51}, {0, 2}),
        ({"top_p": 1.0}, {0, 1, 2}),
    ],
)
def test_top_k_and_the_nucleus_leave_out_the_unlikely(
    settings: dict[str, float], allowed: set[int]
) -> None:
    logits = torch.tensor([[math.log(0.5), math.log(0.2), math.log(0.3)]]).repeat(200, 1)
    tokens, log_probs = draw(logits, Sampling(**settings), torch.linspace(0, 0.999, 200))
    assert set(tokens.tolist()) == allowed
    # The probability told is that of the whole distribution, whatever was left out of the draw.
    assert float(log_probs[tokens == 0][0]) == pytest.approx(math.log(0.5), abs=1e-6)


def test_samples_know_which_state_predicts_which_token() -> None:
    samples = samples_of([[11, 12, 13], [21]], [[1, 2, 0], [3, 4]])
    assert samples.token_lists() == [[11, 12, 13, 1, 2, 0], [21, 3, 4]]
    before = samples.context.tokens[samples.predictors].tolist()
    assert before == [13, 1, 2, 21, 3]
    assert samples.targets.tolist() == [1, 2, 0, 3, 4]
    assert samples.pad(torch.arange(1, 6)).tolist() == [[1, 2, 3], [4, 5, 0]]


def test_some_rows_are_cut_to_what_they_need() -> None:
    samples = samples_of([[11, 12, 13], [21], [31]], [[1, 2, 0], [3, 4], [5, 0]])
    some = samples.rows(torch.tensor([2, 1]))
    assert some.prompts.tolist() == [[31], [21]]
    assert some.responses.tolist() == [[5, 0], [3, 4]]
    assert some.ended.tolist() == [True, False]


def test_a_response_that_would_not_fit_the_context_is_refused() -> None:
    with pytest.raises(InvalidSettingError, match=r"longest.*makes 25 tokens.*holds 24"):
        write(longest=TINY.context - PROMPTS.width + 1)


@pytest.mark.parametrize(
    ("name", "value"), [("longest", 0), ("temperature", -1), ("top_k", 0), ("top_p", 1.5)]
)
def test_impossible_ways_of_drawing_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InvalidSettingError, match=name):
        Sampling(**{name: value})


def test_rows_are_dropped_by_halves_and_none_that_is_still_written() -> None:
    going = torch.zeros(64, dtype=torch.bool)
    going[[3, 17, 40, 41, 63]] = True
    kept = _halved(going, 5)
    assert int(kept.sum()) == 8
    assert bool(kept[going].all())
    assert int(_halved(torch.tensor([True] * 4 + [False] * 4), 4).sum()) == 4
