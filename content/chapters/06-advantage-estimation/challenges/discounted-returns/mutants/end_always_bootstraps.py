# caught_by: end-of-episode
# misconception: The value after the last step counts even if that step ended the episode.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * (1 - dones[t] if t + 1 < len(rewards) else 1) * following
        returns[t] = following
    return returns
