# caught_by: one-episode
# misconception: All that follows an action is discounted, its own reward too.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(len(rewards))):
        following = gamma * (rewards[t] + (1 - dones[t]) * following)
        returns[t] = following
    return returns
