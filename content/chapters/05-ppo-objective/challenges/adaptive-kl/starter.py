class AdaptiveKL:
    """Moves the price of the KL so that the KL stays near its target."""

    def __init__(self, coefficient, target, horizon):
        self.coefficient = None  # Your code here.

    def update(self, observed_kl, samples):
        """Take notice of a mean KL, in nats, that was measured on so many samples."""
        # Your code here.
