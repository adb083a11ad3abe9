"""The mathematics of PPO: pure functions on tensors, each with formula, shapes and source."""
