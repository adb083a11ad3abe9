"""All one-step errors at once; only their sum over later steps needs a loop."""

import torch


def gae(rewards, values, dones, last_values, gamma, gae_lambda):
    values, last_values = values.detach(), last_values.detach()
    after = torch.cat([values[1:], last_values.unsqueeze(0)])
    alive = 1 - dones
    rows = list((rewards + gamma * alive * after - values).unbind())
    for t in range(len(rows) - 2, -1, -1):
        rows[t] = rows[t] + gamma * gae_lambda * alive[t] * rows[t + 1]
    return torch.stack(rows)
