"""Keeps the logarithm of the coefficient, and adds to it."""

from math import exp, isinf, isnan, log, log1p


class AdaptiveKL:
    def __init__(self, coefficient, target, horizon):
        self._log = log(coefficient)
        self._start = coefficient
        self._moved = False
        self._target, self._horizon = target, horizon

    @property
    def coefficient(self):
        return exp(self._log) if self._moved else self._start

    def update(self, observed_kl, samples):
        if isnan(observed_kl) or isinf(observed_kl):
            return
        ratio = observed_kl / self._target
        error = 0.2 if ratio > 1.2 else -0.2 if ratio < 0.8 else ratio - 1
        self._log += log1p(error * samples / self._horizon)
        self._moved = True
