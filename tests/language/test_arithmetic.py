import pytest
import torch
from language_cases import END, samples_of, tiny_gpt

from ppolab.language.arithmetic import (
    ArithmeticTask,
    digit_tokenizer,
    is_held_out,
    is_right_sum,
)
from ppolab.language.evaluation import evaluate_policy
from ppolab.language.generation import Samples, Sampling
from ppolab.language.rewards import TextReward
from ppolab.language.tasks import TASKS, task_named
from ppolab.language.tokens import TokenBatch

TASK = ArithmeticTask("sums", "Sums", "", digits=2, training_sums=300, validation_sums=50)


def sum_in(prompt: list[int]) -> tuple[int, int]:
    a, b = digit_tokenizer().decode(prompt).removesuffix("=").split("+")
    return int(a), int(b)


def test_each_digit_is_a_token_and_nothing_else_is_known() -> None:
    tokenizer = digit_tokenizer()
    ids = tokenizer.encode("27+905=")
    assert [tokenizer.decode([i]) for i in ids] == list("27+905=")
    assert tokenizer.decode([*ids, tokenizer.end]) == "27+905="
    assert tokenizer.encode("7 apples") == tokenizer.encode("7")
    assert tokenizer.vocabulary == 13


@pytest.mark.parametrize(
    ("prompt", "response", "right"),
    [
        ("27+5=", "32", 1.0),
        ("27+5=", " 32 ", 1.0),
        ("27+5=", "032", 0.0),
        ("27+5=", "33", 0.0),
        ("27+5=", "1+32", 0.0),
        ("27+5=", "32=", 0.0),
        ("27+5=", "", 0.0),
        ("User: 1+1=2, and 27+5=\nAssistant:", "32", 1.0),
        ("27+", "27", 0.0),
    ],
)
def test_only_the_sum_itself_is_right(prompt: str, response: str, right: float) -> None:
    assert is_right_sum(prompt, response) == right


def test_the_judge_reads_prompt_and_response_from_their_tokens() -> None:
    encode = digit_tokenizer().encode
    samples = samples_of(
        [[0, *encode("27+5=")], [0, *encode("1+1=")], [0, *encode("9+9=")]],
        [[*encode("32"), 0], [*encode("11"), 0], encode("18")],
    )
    assert TASK.gold(samples, ["", "", ""]).tolist() == [1.0, 0.0, 1.0]


def test_no_sum_that_is_measured_is_trained_on_in_either_order() -> None:
    trained = {tuple(sorted(sum_in(prompt))) for prompt in TASK.prompts()}
    measured = {tuple(sorted(sum_in(prompt))) for prompt in TASK.prompts(validation=True)}
    assert len(TASK.prompts()) == 300
    assert len(TASK.prompts(validation=True)) == 50
    assert not trained & measured
    assert all(is_held_out(a, b) and is_held_out(b, a) for a, b in measured)
    assert max(max(pair) for pair in trained) in range(90, 100)


def test_examples_teach_the_answers_alone_and_all_of_them_are_right() -> None:
    tokenizer = TASK.tokenizer
    for example in TASK.examples()[:50]:
        prompt, answer = example.tokens[: example.prompt], example.tokens[example.prompt :]
        assert answer[-1] == tokenizer.end
        assert tokenizer.decode(answer) == str(sum(sum_in(prompt)))


def test_the_courses_own_sums_fit_its_model_with_answers_that_never_end() -> None:
    task = task_named("arithmetic")
    assert isinstance(task, ArithmeticTask)
    longest = max(map(len, task.prompts() + task.prompts(validation=True)))
    assert longest + 24 <= task.base_model().context_length
    assert len(task.prompts(validation=True)) == task.validation_sums
    assert set(TASKS) >= {"austen", "arithmetic"}


def test_greedy_answers_are_judged_beside_those_that_were_drawn() -> None:
    model = tiny_gpt(spread=3.0)
    prompts = [[5, 6, 7], [8, 9, 10], [11, 12, 13], [14, 15, 16]] * 8
    with torch.no_grad():
        batch = TokenBatch.from_sequences(prompts)
        likeliest = model.logits(model(batch)[batch.last]).argmax(1)

    class FirstTokens:
        name = "first token is the likeliest"

        def __call__(self, samples: Samples, texts: list[str]) -> torch.Tensor:
            return (samples.responses[:, 0] == likeliest).float()

    class Plain:
        end = END

        def decode(self, ids: list[int]) -> str:
            return " ".join(map(str, ids))

    found = evaluate_policy(
        model, model, Plain(), prompts, Sampling(4), TextReward("none", lambda _: 0.0),  # type: ignore[arg-type]
        FirstTokens(), verifiable=True,
    )  # fmt: skip
    assert found.greedy_accuracy == 1.0
    assert found.accuracy == found.gold < 1.0
    assert found.metrics()["eval_accuracy_greedy"] == 1.0
    plain = evaluate_policy(
        model, model, Plain(), prompts, Sampling(4), TextReward("none", lambda _: 0.0),  # type: ignore[arg-type]
        FirstTokens(),
    )  # fmt: skip
    assert "eval_accuracy" not in plain.metrics()
    assert plain.gold == found.gold  # the draws are the same with and without
