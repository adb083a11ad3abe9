"""The definition as a product with a matrix of weights, one for each environment."""

import torch


def discounted_returns(rewards, dones, last_values, gamma):
    time = len(rewards)
    padded = torch.cat([rewards, last_values[None]])
    columns = []
    for i in range(rewards.shape[1]):
        weights = torch.zeros(time, time + 1, dtype=rewards.dtype)
        for t in range(time):
            weight = 1.0
            for later in range(t, time + 1):
                weights[t, later] = weight
                if later == time or dones[later, i] == 1:
                    break
                weight *= gamma
        columns.append(weights @ padded[:, i])
    return torch.stack(columns, dim=1)
