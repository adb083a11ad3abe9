# caught_by: one-episode
# misconception: Rewards add up from the first step to the last.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in range(len(rewards)):
        following = rewards[t] + gamma * (1 - dones[t]) * following
        returns[t] = following
    return returns
