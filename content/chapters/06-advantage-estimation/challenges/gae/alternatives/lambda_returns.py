"""λ-returns first, and the values subtracted at the end."""

import torch


def gae(rewards, values, dones, last_values, gamma, gae_lambda):
    values = values.detach()
    target = after = last_values.detach()
    targets = []
    for reward, value, done in zip(rewards.flip(0), values.flip(0), dones.flip(0), strict=True):
        ahead = (1 - gae_lambda) * after + gae_lambda * target
        target = torch.where(done == 1, reward, reward + gamma * ahead)
        targets.append(target)
        after = value
    return torch.stack(targets).flip(0) - values
