import pytest
import torch

from ppolab.algorithms.conservative_scores import (
    mean_minus_deviation,
    mean_minus_variance,
    mean_score,
    worst_case,
)

SCORES = torch.tensor([[1.0, 4.0], [3.0, 4.0], [5.0, 4.0], [3.0, 4.0]])  # [members, texts]


def test_what_members_agree_about_is_left_and_what_they_disagree_about_costs() -> None:
    # The first text: mean 3, squares 4, 0, 4, 0, so variance 2.
    assert mean_score(SCORES).tolist() == [3.0, 4.0]
    assert worst_case(SCORES).tolist() == [1.0, 4.0]
    assert mean_minus_deviation(SCORES, 1.5).tolist() == pytest.approx([3 - 1.5 * 2**0.5, 4.0])
    assert mean_minus_variance(SCORES, 0.25).tolist() == pytest.approx([2.5, 4.0])


def test_without_caution_only_the_mean_is_left() -> None:
    assert mean_minus_deviation(SCORES, 0.0).tolist() == mean_score(SCORES).tolist()
    assert mean_minus_variance(SCORES, 0.0).tolist() == mean_score(SCORES).tolist()


def test_one_member_has_no_doubts() -> None:
    assert mean_minus_deviation(SCORES[:1], 3.0).tolist() == [1.0, 4.0]


@pytest.mark.parametrize("rule", [mean_minus_deviation, mean_minus_variance])
def test_a_reward_for_disagreement_is_refused(rule) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(ValueError, match=r"coefficient -1.0 must be 0 or more"):
        rule(SCORES, -1.0)
