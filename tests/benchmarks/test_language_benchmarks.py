"""The arithmetic behind the language benchmarks' tables, and that both sides read the same."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode
from transformers import GPT2Config, GPT2LMHeadModel

CONTENDERS = Path(__file__).parents[2] / "benchmarks" / "contenders"


def test_the_work_of_a_gpt_is_what_torch_counts_but_for_attention_to_the_future() -> None:
    from language_bound import BACKWARD, Shape

    shape, rows, length = Shape(2, 24, 3, 50), 3, 7
    model = GPT2LMHeadModel(
        GPT2Config(vocab_size=50, n_positions=8, n_embd=24, n_layer=2, n_head=3,
                   attn_implementation="eager")
    )  # fmt: skip
    counter = FlopCounterMode(display=False)
    with counter:
        model(torch.zeros(rows, length, dtype=torch.long)).logits.sum().backward()
    future = length**2 - length * (length + 1) / 2  # pairs that a square of scores holds in vain
    needless = 2 * 2 * shape.width * shape.layers * rows * future
    own = shape.trunk(rows, length) + shape.head(rows * length)
    assert (1 + BACKWARD) * (own + needless) == counter.get_total_flops()


def test_an_update_is_writing_scoring_and_learning() -> None:
    from language_bound import PPOWork, Shape, reward_work, sft_work

    # One layer, 2 wide, 3 words. A text of n tokens: 24·2²·n in linear layers, 4·2·n(n + 1)/2 in
    # attention, so 104 for one token and 216 for two; logits of one token 12.
    shape, work = Shape(1, 2, 1, 3), PPOWork(prompt=1, response=1, batch=1, epochs=5, minibatch=1)
    assert work.rollout(shape) == 104 + 12
    # Rollout and reference 116 each, values 104, reward 216, five times thrice policy and critic.
    assert work.whole(shape, shared_trunk=False) == 116 + 116 + 104 + 216 + 15 * (116 + 104)
    assert work.whole(shape, shared_trunk=True) == 116 + 116 + 216 + 15 * 116
    assert sft_work(shape, rows=10, length=2) == 3 * 10 * (104 + 12)
    assert reward_work(shape, pairs=10, length=2) == 3 * 20 * 216


def test_a_row_reaches_its_target_or_misses_it() -> None:
    from targets import judge

    rows = {name: {"ratio": 2.0, "ratios": [2.5, 1.5, 2.0]} for name in ("a", "b", "c")}
    judge(rows, {"a": 2.0, "b": 2.01})
    assert [row["verdict"] for row in rows.values()] == ["reached", "missed", None]
    assert rows["a"]["range"] == [1.5, 2.5]


def test_memory_is_judged_by_the_most_of_all_rounds() -> None:
    from targets import memory_rows

    def peaks(*megabytes: float) -> list[dict[str, float | None]]:
        return [{"peak_memory": m * 1e6} for m in megabytes]

    found = memory_rows({"TRL": peaks(800, 900), "a": peaks(450, 300), "b": peaks(100, 901)}, "TRL")
    assert [row["megabytes"] for row in found.values()] == [900, 450, 901]
    assert [row["verdict"] for row in found.values()] == [None, "reached", "missed"]
    assert found["a"]["ratio"] == 2.0
    assert memory_rows({"TRL": [{"peak_memory": None}]}, "TRL") == {}


def test_no_model_of_the_benchmarks_can_end_a_response() -> None:
    from words import make_texts, make_tokenizer

    from ppolab.language.tokenizer import Tokenizer

    tokenizer = Tokenizer(make_tokenizer(40))
    assert tokenizer.end == 40  # a model of 40 words writes 0 to 39
    texts = make_texts(seed=1, rows=50, length=20, vocabulary=40)
    assert {len(text) for text in texts} == {20}
    assert (min(map(min, texts)), max(map(max, texts))) == (0, 39)
    assert tokenizer.decode([3, 40, 17]) == "w3 w17"


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="only Linux's kernel tells")
def test_peak_memory_remembers_what_was_given_back() -> None:
    program = """
from serving import peak_memory
before = peak_memory()
room = bytearray(b"x") * 80_000_000
del room
print(peak_memory() - before)
"""
    told = subprocess.run(
        [sys.executable, "-c", program], cwd=CONTENDERS, capture_output=True, text=True, check=True
    )
    assert 75e6 < int(told.stdout) < 100e6
