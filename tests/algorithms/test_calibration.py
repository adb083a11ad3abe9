import pytest
import torch

from ppolab.algorithms.calibration import (
    brier_score,
    expected_calibration_error,
    reliability_curve,
)


def test_gaps_of_two_bins_by_hand() -> None:
    # Folded claims .55, .55 (came true: 1, 0) and .95, .95 (1, 1): gaps |1.1 − 1| and |1.9 − 2|.
    probabilities = torch.tensor([0.55, 0.45, 0.95, 0.05])
    outcomes = torch.tensor([1.0, 1.0, 1.0, 0.0])
    assert expected_calibration_error(probabilities, outcomes) == pytest.approx(0.2 / 4, abs=1e-6)


def test_which_side_is_called_the_first_does_not_matter() -> None:
    generator = torch.Generator().manual_seed(1)
    p = torch.rand(200, generator=generator)
    y = (torch.rand(200, generator=generator) < 0.6).float()
    assert expected_calibration_error(p, y) == pytest.approx(
        expected_calibration_error(1 - p, 1 - y), abs=1e-9
    )


def test_claims_that_come_true_as_often_as_claimed_have_no_error() -> None:
    probabilities = torch.full((10,), 0.8)
    assert expected_calibration_error(probabilities, (torch.arange(10) < 8).float()) < 1e-6
    always_sure = expected_calibration_error(torch.ones(10), (torch.arange(10) < 8).float())
    assert always_sure == pytest.approx(0.2)


def test_brier_by_hand() -> None:
    assert brier_score(torch.tensor([0.8, 0.4]), torch.tensor([1.0, 0.0])) == pytest.approx(0.1)


def test_no_event_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one event"):
        expected_calibration_error(torch.tensor([]), torch.tensor([]))


def test_reliability_of_two_bins_by_hand() -> None:
    probabilities = torch.tensor([0.55, 0.45, 0.97, 0.04])
    outcomes = torch.tensor([1.0, 1.0, 1.0, 0.0])
    curve = reliability_curve(probabilities, outcomes)
    assert curve.claimed.tolist() == pytest.approx([0.55, 0.965], abs=1e-6)
    assert curve.happened.tolist() == [0.5, 1.0]
    assert curve.counts.tolist() == [2, 2]


def test_the_calibration_error_is_the_curves_mean_distance_from_the_diagonal() -> None:
    generator = torch.Generator().manual_seed(2)
    p = torch.rand(300, generator=generator)
    y = (torch.rand(300, generator=generator) < p.square()).float()
    curve = reliability_curve(p, y)
    gaps = (curve.claimed - curve.happened).abs() * curve.counts
    assert int(curve.counts.sum()) == 300
    assert expected_calibration_error(p, y) == pytest.approx(float(gaps.sum()) / 300)
