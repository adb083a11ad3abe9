# caught_by: end-of-episode
# misconception: Where an episode ends, the critic says what would have followed.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    """Discounted sums of the rewards that follow each step, to the end of its episode."""
    returns = torch.empty_like(rewards)
    following = last_values
    for t in reversed(range(len(rewards))):
        following = rewards[t] + gamma * torch.where(dones[t] == 1, last_values, following)
        returns[t] = following
    return returns
