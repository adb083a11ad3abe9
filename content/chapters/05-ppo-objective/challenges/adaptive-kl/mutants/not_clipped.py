# caught_by: clipped-error
# misconception: A large error deserves a large step.
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
        error = observed_kl / self.target - 1
        self.coefficient *= 1 + error * samples / self.horizon
