# caught_by: not-finite
# misconception: An infinite KL is too much KL.
import math


class AdaptiveKL:
    """Moves the price of the KL so that the KL stays near its target."""

    def __init__(self, coefficient, target, horizon):
        self.coefficient = coefficient
        self.target = target
        self.horizon = horizon

    def update(self, observed_kl, samples):
        if math.isnan(observed_kl):
            return
        error = min(max(observed_kl / self.target - 1, -0.2), 0.2)
        self.coefficient *= 1 + error * samples / self.horizon
