# caught_by: constants
# misconception: The critic profits from a second gradient.
import torch


def gae(rewards, values, dones, last_values, gamma, gae_lambda):
    """Generalized advantage estimation, from the last step to the first."""
    advantages = []
    next_values, following = last_values, torch.zeros_like(last_values)
    for t in reversed(range(len(rewards))):
        alive = 1 - dones[t]
        delta = rewards[t] + gamma * alive * next_values - values[t]
        following = delta + gamma * gae_lambda * alive * following
        advantages.insert(0, following)
        next_values = values[t]
    return torch.stack(advantages)
