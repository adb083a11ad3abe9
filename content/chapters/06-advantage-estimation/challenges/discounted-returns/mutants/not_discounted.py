# caught_by: one-episode
# misconception: A reward is a reward, whenever it comes.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(len(rewards))):
        following = rewards[t] + (1 - dones[t]) * following
        returns[t] = following
    return returns
