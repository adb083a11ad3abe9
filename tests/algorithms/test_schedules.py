from __future__ import annotations

from ppolab.algorithms import schedules


def test_a_constant_stays() -> None:
    assert [schedules.constant(0.3, left) for left in (1.0, 0.4, 0.0)] == [0.3, 0.3, 0.3]


def test_a_line_falls_to_zero_at_the_end() -> None:
    assert [schedules.linear(0.4, left) for left in (1.0, 0.25, 0.0)] == [0.4, 0.1, 0.0]
