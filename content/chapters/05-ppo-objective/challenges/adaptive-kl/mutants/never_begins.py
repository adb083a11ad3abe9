# caught_by: beginning
# misconception: The coefficient is there after the first update.
import math


class AdaptiveKL:
    """Moves the price of the KL so that the KL stays near its target."""

    def __init__(self, coefficient, target, horizon):
        self.coefficient = 0.0
        self.waiting = coefficient
        self.target = target
        self.horizon = horizon

    def update(self, observed_kl, samples):
        if not math.isfinite(observed_kl):
            return
        self.coefficient = self.coefficient or self.waiting
        error = min(max(observed_kl / self.target - 1, -0.2), 0.2)
        self.coefficient *= 1 + error * samples / self.horizon
