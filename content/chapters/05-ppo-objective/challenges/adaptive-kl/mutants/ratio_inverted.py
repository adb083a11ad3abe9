# caught_by: direction
# misconception: The error is target over KL.
import math


class AdaptiveKL:
    """Moves the price of the KL so that the KL stays near its target."""

    def __init__(self, coefficient, target, horizon):
        self.coefficient = coefficient
        self.target = target
        self.horizon = horizon

    def update(self, observed_kl, samples):
        if not math.isfinite(observed_kl):
            return
        error = min(max(1 - self.target / observed_kl if observed_kl else -1, -0.2), 0.2)
        self.coefficient *= 1 + error * samples / self.horizon
