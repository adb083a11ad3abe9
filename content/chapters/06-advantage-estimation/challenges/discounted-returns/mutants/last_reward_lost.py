# caught_by: reward-of-the-last-step
# misconception: With done there is no reward any more.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(len(rewards))):
        following = (1 - dones[t]) * (rewards[t] + gamma * following)
        returns[t] = following
    return returns
