# caught_by: twice-as-fast
# misconception: The loop over the advantages is what takes the time.
import torch


def log_prob(policy, observation, action):
    scores = observation @ policy
    return scores[action] - torch.logsumexp(scores, dim=0)


def train(policy, critic, observations, actions, rewards, dones, orders, settings):
    """Update a linear policy and a linear critic on one rollout; return both."""
    time, environments = rewards.shape
    policy, critic = policy.clone(), critic.clone()

    values = observations @ critic
    after = torch.cat([values[1:], torch.zeros_like(values[:1])])
    advantages = rewards + settings["gamma"] * (1 - dones) * after - values
    for t in range(time - 2, -1, -1):
        decay = settings["gamma"] * settings["gae_lambda"] * (1 - dones[t])
        advantages[t] += decay * advantages[t + 1]
    targets = advantages + values
    old_log_probs = (observations @ policy).log_softmax(-1).gather(2, actions[..., None])[..., 0]

    # Epochs of minibatches, in the orders that were drawn; the last minibatch may be smaller.
    size = settings["minibatch_size"]
    for order in orders:
        for start in range(0, len(order), size):
            minibatch = order[start : start + size]
            policy.requires_grad_()
            critic.requires_grad_()
            loss = 0.0
            for index in minibatch.tolist():
                t, i = divmod(index, environments)
                log_ratio = log_prob(policy, observations[t, i], actions[t, i]) - old_log_probs[t, i]
                ratio = torch.exp(log_ratio)
                clipped = torch.clamp(ratio, 1 - settings["clip_range"], 1 + settings["clip_range"])
                advantage = advantages[t, i]
                loss = loss - torch.minimum(ratio * advantage, clipped * advantage)
                error = (observations[t, i] * critic).sum() - targets[t, i]
                loss = loss + 0.5 * error * error
            loss = loss / len(minibatch)
            policy_gradient, critic_gradient = torch.autograd.grad(loss, [policy, critic])
            policy = policy.detach() - settings["learning_rate"] * policy_gradient
            critic = critic.detach() - settings["learning_rate"] * critic_gradient
    return [policy, critic]
