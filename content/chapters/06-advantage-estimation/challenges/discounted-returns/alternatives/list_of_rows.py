"""A list of rows from the last to the first, with `where` for the ends of episodes."""

import torch


def discounted_returns(rewards, dones, last_values, gamma):
    rows = [last_values]
    for reward, done in zip(rewards.flip(0), dones.flip(0), strict=True):
        rows.append(torch.where(done == 1, reward, reward + gamma * rows[-1]))
    return torch.stack(rows[:0:-1])
