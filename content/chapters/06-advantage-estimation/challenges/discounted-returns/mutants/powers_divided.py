# caught_by: extreme-discounts
# misconception: Powers of γ, a running sum and a division are the same as going backwards.
import torch


def discounted_returns(rewards, dones, last_values, gamma):
    columns = []
    for i in range(rewards.shape[1]):
        parts, start = [], 0
        ends = [t for t in range(len(rewards)) if dones[t, i] == 1] + [len(rewards) - 1]
        for end in dict.fromkeys(ends):
            part = rewards[start : end + 1, i].clone()
            if dones[end, i] != 1:
                part[-1] += gamma * last_values[i]
            powers = gamma ** torch.arange(len(part), dtype=rewards.dtype)
            sums = (part * powers).flip(0).cumsum(0).flip(0)
            parts.append(sums / powers)
            start = end + 1
        columns.append(torch.cat(parts))
    return torch.stack(columns, dim=1)
