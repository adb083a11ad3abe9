# caught_by: end-of-episode
# misconception: dones[t] says that step t begins an episode.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * (1 - dones[t + 1] if t + 1 < len(rewards) else 1) * following
        returns[t] = following
    return returns
