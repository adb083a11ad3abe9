from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppolab.runs.events import Event
from ppolab.runs.fold import RunFold, decimate


def fold(*events: tuple[int, str, dict[str, object]]) -> RunFold:
    result = RunFold()
    for i, (step, kind, data) in enumerate(events):
        result.apply(Event(i + 1, float(i), step, kind, data))
    return result


def test_metrics_become_columns_with_gaps() -> None:
    state = fold((10, "metrics", {"a": 1.0, "b": None}), (20, "metrics", {"a": 3.0, "b": 4.0}))
    assert (list(state.columns["a"].steps), list(state.columns["a"].values)) == ([10, 20], [1, 3])
    assert math.isnan(state.columns["b"].values[0])
    assert state.latest == {"a": 3.0, "b": 4.0}
    assert (state.step, state.t) == (20, 1.0)


def test_state_and_settings_are_the_last_ones_told() -> None:
    state = fold(
        (0, "state", {"state": "running", "words": "running from step 0"}),
        (10, "setting", {"name": "clip_range", "value": 0.3, "from": 0.2}),
        (20, "setting", {"name": "clip_range", "value": 0.4, "from": 0.3}),
        (20, "state", {"state": "paused", "words": "paused at step 20"}),
    )
    assert (state.state, state.state_words) == ("paused", "paused at step 20")
    assert state.settings == {"clip_range": 0.4}


def test_a_rewind_forgets_what_lay_after_its_step() -> None:
    state = fold(
        (10, "metrics", {"a": 1.0}),
        (10, "setting", {"name": "clip_range", "value": 0.3}),
        (20, "metrics", {"a": 2.0, "late": 5.0}),
        (20, "setting", {"name": "clip_range", "value": 0.9}),
        (30, "rewind", {"to_step": 10}),
    )
    assert list(state.columns["a"].steps) == [10]
    assert list(state.columns["late"].steps) == []
    assert state.latest == {"a": 1.0, "late": None}
    assert state.settings == {"clip_range": 0.3}
    assert state.step == 10


tellings = st.lists(
    st.tuples(st.sampled_from(["metrics", "setting"]), st.floats(-10, 10)), max_size=12
)


def telling(first_step: int, facts: list[tuple[str, float]]) -> list[tuple[int, str, dict]]:  # type: ignore[type-arg]
    return [
        (first_step + i, kind, {"a": x} if kind == "metrics" else {"name": "s", "value": x})
        for i, (kind, x) in enumerate(facts)
    ]


@given(tellings, tellings, tellings)
def test_a_future_told_again_leaves_no_trace_of_the_first_telling(
    past: list[tuple[str, float]],
    forgotten: list[tuple[str, float]],
    future: list[tuple[str, float]],
) -> None:
    begin = telling(1, past)
    turned = len(past)
    retold = fold(
        *begin, *telling(turned + 1, forgotten), (turned + 20, "rewind", {"to_step": turned}),
        *telling(turned + 1, future),
    )  # fmt: skip
    straight = fold(*begin, *telling(turned + 1, future))
    assert retold.settings == straight.settings
    told = {key: column for key, column in retold.columns.items() if len(column.steps)}
    assert told == straight.columns


points = st.lists(
    st.tuples(st.integers(1, 40), st.floats(-5, 5) | st.just(math.nan)), min_size=1, max_size=80
)


@given(points, st.integers(1, 12))
def test_decimation_keeps_the_extremes_and_one_gap_of_every_pixel(
    gaps_and_values: list[tuple[int, float]], pixels: int
) -> None:
    steps = np.cumsum([gap for gap, _ in gaps_and_values])
    values = np.array([value for _, value in gaps_and_values])
    kept_steps, kept_values = decimate(steps, values, pixels)
    kept = list(zip(kept_steps.tolist(), kept_values.tolist(), strict=True))

    original = dict(zip(steps.tolist(), values.tolist(), strict=True))
    assert all(v == original[s] or (math.isnan(v) and math.isnan(original[s])) for s, v in kept)
    assert kept_steps.tolist() == sorted(set(kept_steps.tolist()))
    if len(steps) <= 2 * pixels:
        assert len(kept) == len(steps)
        return
    assert len(kept) <= 3 * pixels
    span = int(steps[-1] - steps[0])
    for pixel in range(pixels):
        inside = [s for s in original if (s - int(steps[0])) * (pixels - 1) // span == pixel]
        numbers = [original[s] for s in inside if not math.isnan(original[s])]
        kept_here = [v for s, v in kept if s in inside]
        kept_numbers = [v for v in kept_here if not math.isnan(v)]
        if numbers:
            assert (min(kept_numbers), max(kept_numbers)) == (min(numbers), max(numbers))
        has_gap = len(numbers) < len(inside)
        assert any(math.isnan(v) for v in kept_here) == has_gap


def test_decimation_by_hand() -> None:
    # Steps 0…9 on 2 pixels: 0…8 fall on the first, 9 on the second.
    steps = np.arange(10)
    values = np.array([5, 1, 7, 3, 9, 2, 4, 6, 8, 0], float)
    kept_steps, kept_values = decimate(steps, values, 2)
    assert kept_steps.tolist() == [1, 4, 9]
    assert kept_values.tolist() == [1, 9, 0]


@pytest.mark.parametrize("sign", [1, -1])
def test_decimation_by_hand_around_gaps(sign: int) -> None:
    # Of the nine points on the first pixel: the extremes ±1 and ±9, and the first of two gaps.
    gap = math.nan
    values = sign * np.array([5, gap, 7, 1, 9, gap, 4, 6, 8, 3], float)
    kept_steps, kept_values = decimate(np.arange(10), values, 2)
    assert kept_steps.tolist() == [1, 3, 4, 9]
    assert math.isnan(kept_values[0])
    assert kept_values[1:].tolist() == [sign * 1, sign * 9, sign * 3]


@pytest.mark.parametrize("count", [0, 1])
def test_nothing_and_one_point_stay_as_they_are(count: int) -> None:
    steps, values = np.arange(count), np.ones(count)
    assert decimate(steps, values, 1)[0].tolist() == steps.tolist()
