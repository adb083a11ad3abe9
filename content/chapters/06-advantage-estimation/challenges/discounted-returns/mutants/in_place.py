# caught_by: inputs-untouched
# misconception: A tensor that was passed in is mine to reuse.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = rewards
    following = last_values
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * (1 - dones[t]) * following
        returns[t] = following
    return returns
