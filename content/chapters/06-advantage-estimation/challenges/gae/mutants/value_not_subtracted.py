# caught_by: lambda-zero
# misconception: The next value says how good a step was.
import torch


@torch.no_grad()
def gae(rewards, values, dones, last_values, gamma, gae_lambda):
    """Generalized advantage estimation, from the last step to the first."""
    advantages = torch.zeros_like(rewards)
    next_values, following = last_values, torch.zeros_like(last_values)
    for t in reversed(range(len(rewards))):
        alive = 1 - dones[t]
        delta = rewards[t] + gamma * alive * next_values
        following = delta + gamma * gae_lambda * alive * following
        advantages[t] = following
        next_values = values[t]
    return advantages
