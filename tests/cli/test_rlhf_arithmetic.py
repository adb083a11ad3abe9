from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

Ask = Callable[..., tuple[int, dict[str, Any], str]]
QUICK = ("--task", "arithmetic", "--sft-updates", "3", "--updates", "2", "--batch-size", "8",
         "--minibatch-size", "4", "--longest-response", "6", "--dtype", "float32",
         "--threads", "1")  # fmt: skip


@pytest.mark.parametrize("algorithm", ["ppo", "grpo", "rloo"])
def test_sums_need_no_reward_model_and_end_in_shares_of_right_answers(
    ask: Ask, algorithm: str
) -> None:
    code, answer, words = ask("rlhf", *QUICK, "--algorithm", algorithm)
    assert code == 0
    assert list(answer["stages"]) == ["sft", "rlhf"]
    shares = [answer[f"{name}_{when}"] for name in ("accuracy", "accuracy_greedy")
              for when in ("before", "after")]  # fmt: skip
    assert all(0 <= share <= 1 for share in shares)
    assert answer["gold_after"] == answer["accuracy_after"]  # a rule is the judge
    assert "right answers, greedy" in words
