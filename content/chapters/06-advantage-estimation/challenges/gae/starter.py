import torch


def gae(rewards, values, dones, last_values, gamma, gae_lambda):
    """Generalized advantage estimation, from the last step to the first."""
    # Your code here.
