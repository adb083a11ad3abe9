from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppolab.runs.language_monitors import policy_monitors, reward_monitors, sft_monitors
from ppolab.runs.monitors import Finding, Series, Watch, alerts_of

Rows = list[tuple[int, dict[str, float | None]]]


@dataclass(frozen=True)
class Above:
    """Warns where x is above 1."""

    kind: ClassVar[str] = "above"
    keys: ClassVar[tuple[str, ...]] = ("x",)

    def judge(self, series: Series) -> Finding | None:
        now = series["x"].values[-1]
        return Finding(f"x is {now}", "lower it", {"x": now}) if now > 1 else None


def rows(**columns: list[float]) -> Rows:
    """One row a step, from 1."""
    count = max(len(values) for values in columns.values())
    return [
        (i + 1, {k: v[i] for k, v in columns.items() if i < len(v)}) for i in range(count)
    ]  # fmt: skip


def kinds(found: Rows, kl_target: float = 8.0) -> list[tuple[int, str]]:
    return [(alert.step, alert.kind) for alert in alerts_of(policy_monitors(kl_target), found)]


def test_an_alert_comes_once_and_again_only_after_three_sound_judgements() -> None:
    series = rows(x=[0, 2, 2, 0, 2, 0, 0, 0, 2, 2])
    assert [alert.step for alert in alerts_of([Above()], series)] == [2, 9]


def test_an_alert_keeps_what_was_seen_and_what_to_try() -> None:
    (alert,) = alerts_of([Above()], rows(x=[3.0]))
    assert alert.evidence() == {"found": "x is 3.0", "try": "lower it", "x": 3.0}


def test_a_rewound_watch_stands_where_it_stood() -> None:
    series = rows(x=[0, 0, 2, 2, 2])
    straight, back = Watch([Above()]), Watch([Above()])
    for step, scalars in series:
        back.see(step, scalars)
    back.rewind(2)
    for step, scalars in series[:2]:
        straight.see(step, scalars)
    again = [back.see(step, scalars) for step, scalars in series[2:]]
    assert again == [straight.see(step, scalars) for step, scalars in series[2:]]
    assert len(again[0]) == 1


WATCHED = sorted({key for monitor in policy_monitors(8.0) for key in monitor.keys})


@given(
    st.lists(
        st.dictionaries(st.sampled_from(WATCHED), st.floats(-50, 50), min_size=1), max_size=25
    ),
    st.data(),
)
def test_no_alert_needs_the_future(series: list[dict[str, float]], data: Any) -> None:
    all_rows: list[tuple[int, Mapping[str, float | None]]] = list(enumerate(series))
    cut = data.draw(st.integers(0, len(series)))
    whole = alerts_of(policy_monitors(8.0), all_rows)
    early = alerts_of(policy_monitors(8.0), all_rows[:cut])
    assert early == [alert for alert in whole if alert.step < cut]


def test_gold_that_falls_by_more_than_chance_while_the_reward_rises_is_reward_hacking() -> None:
    reward, error = [0.0, 1.0, 1.2, 2.0], [0.03] * 4
    fallen = rows(eval_reward=reward, eval_gold=[0.1, 0.5, 0.45, 0.37], eval_gold_error=error)
    assert kinds(fallen) == [(4, "reward hacking")]  # 0.13 is more than four times 0.03
    chance = rows(eval_reward=reward, eval_gold=[0.1, 0.5, 0.45, 0.39], eval_gold_error=error)
    assert kinds(chance) == []
    worse = rows(eval_reward=[0.0, 1.0, 1.2, 0.9], eval_gold=[0.1, 0.5, 0.45, 0.2],
                 eval_gold_error=error)  # fmt: skip
    assert kinds(worse) == []  # a reward that falls too is no hack


def test_gold_that_does_not_follow_a_reward_that_rose_by_its_spread_is_reward_hacking() -> None:
    common = {"reward_std": [1.0], "eval_gold_error": [0.03] * 4}
    stuck = rows(eval_reward=[0, 0.4, 0.8, 1.1], eval_gold=[0.1, 0.12, 0.09, 0.11], **common)
    assert kinds(stuck) == [(4, "reward hacking")]
    followed = rows(eval_reward=[0, 0.4, 0.8, 1.1], eval_gold=[0.1, 0.2, 0.3, 0.4], **common)
    assert kinds(followed) == []


def test_without_a_gold_judge_strange_texts_or_like_ones_are_the_sign() -> None:
    strange = rows(eval_reward=[0.0, 1.0], eval_reference_nll=[3.0, 4.6])
    assert kinds(strange) == [(2, "reward hacking"), (2, "distribution shift")]
    alike = rows(eval_reward=[0.0, 1.0], eval_distinct_2=[0.8, 0.39])
    assert kinds(alike) == [(2, "reward hacking"), (2, "mode collapse")]


@pytest.mark.parametrize(
    ("found", "kind", "step"),
    [
        (rows(kl=[1.0, 10, 20, 30, 40, 50]), "KL runaway", 6),  # mean of the last five is 30
        (rows(entropy=[3.0] * 5 + [0.7] * 5), "mode collapse", 10),
        (rows(reward_std=[1.0, 0, 0, 0]), "dead reward", 4),
        (
            rows(response_length=[10.0] * 5 + [12.5] * 5, length_correlation=[0.5] * 10),
            "length drift",
            10,
        ),
        (  # what grows from the third update on is compared with the first two
            rows(response_length=[10.0] * 2 + [12.5] * 5, length_correlation=[0.5] * 7),
            "length drift",
            7,
        ),
        (
            rows(response_length=[10.0] * 5 + [8.0] * 5, length_correlation=[-0.5] * 10),
            "length drift",
            10,
        ),
        (rows(eval_perplexity=[50.0, 90.0, 101.0]), "forgetting", 3),
        (rows(misplaced_reward=[0.0, 0.5]), "misplaced reward", 2),
        (rows(reward=[0.1, -0.1] * 20), "no learning", 40),
        (rows(first_minibatch_kl=[1e-9, 0.1]), "writing and reading disagree", 2),
        (rows(policy_loss=[0.1, float("nan")]), "non-finite number", 2),
    ],
)
def test_each_fault_is_named_at_the_step_where_it_shows(found: Rows, kind: str, step: int) -> None:
    assert kinds(found) == [(step, kind)]


@pytest.mark.parametrize(
    "found",
    [
        rows(kl=[1.0, 10, 20, 30, 40, 19]),
        rows(entropy=[3.0] * 5 + [0.8] * 5),
        rows(reward_std=[1.0, 0, 0, 0.2]),
        rows(response_length=[10.0] * 5 + [11.9] * 5, length_correlation=[0.5] * 10),
        rows(response_length=[10.0] * 5 + [20.0] * 5, length_correlation=[0.3] * 10),
        rows(response_length=[10.0] * 5 + [6.0] * 5, length_correlation=[0.5] * 10),
        rows(response_length=[10.0] * 5 + [20.0] * 5),
        rows(eval_perplexity=[50.0, 99.0]),
        rows(misplaced_reward=[0.0, 0.0]),
        rows(reward=[0.1, -0.1] * 15 + [1.1, 0.9] * 5),
        rows(reward=[0.1, -0.1] * 19),
    ],
)
def test_just_short_of_a_threshold_nothing_is_said(found: Rows) -> None:
    assert kinds(found) == []


def test_a_reward_model_no_better_than_a_coin_and_one_that_learnt_the_opposite() -> None:
    def of(pairs: int, **columns: list[float]) -> list[tuple[int, str]]:
        return [(a.step, a.kind) for a in alerts_of(reward_monitors(pairs), rows(**columns))]

    assert of(600, rm_accuracy=[0.5, 0.52, 0.51]) == [(3, "uninformative reward model")]
    assert of(600, rm_accuracy=[0.5, 0.6, 0.65]) == []
    assert of(60, rm_accuracy=[0.5, 0.52, 0.51]) == []  # too few to say
    # Three standard errors of 600 pairs are 0.061.
    assert of(600, rm_gold_accuracy=[0.43]) == [(1, "swapped labels")]
    assert of(600, rm_gold_accuracy=[0.45]) == []
    assert of(600, rm_gold_accuracy=[0.43], rm_accuracy=[0.55]) == [(1, "swapped labels")]
    assert of(600, rm_gold_accuracy=[0.15], rm_accuracy=[0.15]) == []  # ties, which no label made
    assert of(600, rm_spread=[0.0]) == [(1, "dead reward")]
    # What is measured before anything was learnt is chance, and nobody's fault.
    chance: Rows = [
        (0, {"rm_accuracy": 0.4, "rm_gold_accuracy": 0.4}),
        (0, {"rm_shorter_accuracy": 0.1}),
    ]
    learnt = [(step, {"rm_accuracy": 0.52, "rm_gold_accuracy": 0.5}) for step in (1, 2, 3)]
    for so_far in (0, 1, 2):
        assert alerts_of(reward_monitors(600), [*chance, *learnt[:so_far]]) == []
    (alert,) = alerts_of(reward_monitors(600), [*chance, *learnt])
    assert (alert.step, alert.kind) == (3, "uninformative reward model")


def test_a_reward_model_that_pays_for_length_is_told_from_one_that_learnt_the_opposite() -> None:
    def of(shorter: float, gold: float, *earlier: float) -> list[str]:
        seen = [*(earlier or (shorter, shorter)), shorter]
        found = rows(rm_shorter_accuracy=seen, rm_gold_accuracy=[gold] * len(seen))
        return [alert.kind for alert in alerts_of(reward_monitors(600), found)]

    # A third of 600 pairs are 200; three standard errors of those are 0.106.
    assert of(0.39, 0.6) == ["length bias"]
    assert of(0.40, 0.6) == []
    assert of(0.30, 0.3) == ["swapped labels"]
    assert of(0.30, 0.6, 0.30) == []  # length is learnt first: the second measurement is too early
    assert of(0.30, 0.6, 0.30, 0.60) == []  # nor is one alone enough
    assert of(float("nan"), 0.6) == []  # no pair's shorter answer is the better


def test_what_the_kl_target_accounts_for_is_not_called_forgetting() -> None:
    # Twice a target of 8 nats over 10 tokens is 1.6 nats per token: 4.95 times the perplexity.
    def of(last: float, tokens: float, kl_target: float) -> list[tuple[int, str]]:
        found = rows(eval_length=[15.0, tokens], eval_perplexity=[30.0, last])
        return kinds(found, kl_target)

    assert of(145.0, 10.0, 8.0) == []
    assert of(150.0, 10.0, 8.0) == [(2, "forgetting")]
    assert of(100.0, 20.0, 8.0) == [(2, "forgetting")]  # the same budget over more tokens
    assert of(100.0, 10.0, 4.0) == [(2, "forgetting")]
    assert of(59.0, 20.0, 1.0) == []  # a small budget still allows twice
    assert of(61.0, 20.0, 1.0) == [(2, "forgetting")]


def test_examples_learnt_by_heart() -> None:
    losses = rows(sft_validation_loss=[4.0, 3.5, 3.52, 3.56])
    assert [(a.step, a.kind) for a in alerts_of(sft_monitors(), losses)] == [(4, "overfitting")]
