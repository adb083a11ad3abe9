# caught_by: end-of-episode
# misconception: It is enough to cut the trace at the end of an episode.
import torch


@torch.no_grad()
def gae(rewards, values, dones, last_values, gamma, gae_lambda):
    """Generalized advantage estimation, from the last step to the first."""
    advantages = torch.zeros_like(rewards)
    next_values, following = last_values, torch.zeros_like(last_values)
    for t in reversed(range(len(rewards))):
        alive = 1 - dones[t]
        delta = rewards[t] + gamma * next_values - values[t]
        following = delta + gamma * gae_lambda * alive * following
        advantages[t] = following
        next_values = values[t]
    return advantages
