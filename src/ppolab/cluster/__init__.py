"""Several processes that work on one training."""
