"""The difference divided by the target, and NumPy's clip."""

import numpy as np


class AdaptiveKL:
    def __init__(self, coefficient, target, horizon):
        self.coefficient, self.target, self.horizon = coefficient, target, horizon

    def update(self, observed_kl, samples):
        error = np.clip((observed_kl - self.target) / self.target, -0.2, 0.2)
        if np.isfinite(observed_kl):
            self.coefficient = float(self.coefficient * (1 + error * samples / self.horizon))
