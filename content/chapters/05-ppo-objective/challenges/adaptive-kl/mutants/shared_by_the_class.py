# caught_by: two-controllers
# misconception: The coefficient belongs to the class.
import math


class AdaptiveKL:
    """Moves the price of the KL so that the KL stays near its target."""

    def __init__(self, coefficient, target, horizon):
        type(self).value = getattr(type(self), "value", coefficient)
        self.coefficient = type(self).value
        self.target = target
        self.horizon = horizon

    def update(self, observed_kl, samples):
        if not math.isfinite(observed_kl):
            return
        error = min(max(observed_kl / self.target - 1, -0.2), 0.2)
        self.coefficient *= 1 + error * samples / self.horizon
        type(self).value = self.coefficient
