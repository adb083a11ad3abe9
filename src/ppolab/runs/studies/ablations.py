"""Ingredients of PPO that can be left out: what is changed, what it does, and who describes it."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ppolab.control.config import PPOConfig
from ppolab.errors import InvalidSettingError, UnknownNameError

DETAILS = "Huang et al. (2022), The 37 implementation details of PPO"
SCHULMAN_PPO = "Schulman et al. (2017), Proximal policy optimization algorithms"
SCHULMAN_GAE = "Schulman et al. (2016), High-dimensional continuous control using GAE"
YU_MAPPO = "Yu et al. (2022), The surprising effectiveness of PPO in cooperative multi-agent games"
TERRY = "Terry et al. (2020), Revisiting parameter sharing in multi-agent deep RL"

PARDO = "Pardo et al. (2018), Time limits in reinforcement learning"

# A clip range that no ratio leaves: the clipped objective then is the plain ratio · advantage, and
# every back end that computes the one computes the other.
NO_CLIP = 1e9


@dataclass(frozen=True)
class Ablation:
    """One ingredient left out.

    Attributes:
        name: after --without.
        changes: the settings that leave it out, given those of the baseline.
        words: what its absence means.
        source: who describes or first measured it.
    """

    name: str
    changes: Callable[[PPOConfig], dict[str, Any]]
    words: str
    source: str

    def of(self, baseline: PPOConfig) -> PPOConfig:
        """The baseline without this ingredient.

        Raises:
            InvalidSettingError: the baseline has nothing of it, so nothing would be left out.
        """
        config = dataclasses.replace(baseline, **self.changes(baseline))
        if config == baseline:
            raise InvalidSettingError(
                "without", self.name, "changes nothing: the baseline has none of it",
                "Leave it out, or give the baseline a setting for it",
            )  # fmt: skip
        return config


def _no_clip(baseline: PPOConfig) -> dict[str, Any]:
    if baseline.policy_loss == "clipped":
        return {"clip_range": NO_CLIP}
    return {"policy_loss": "unclipped"}


def _to(**settings: Any) -> Callable[[PPOConfig], dict[str, Any]]:
    return lambda baseline: settings


ABLATIONS = {
    ablation.name: ablation
    for ablation in (
        Ablation("normalize_advantages", _to(normalize_advantages=False),
                 "Advantages keep their own scale, so the step depends on that of the rewards.",
                 f"{DETAILS}, detail 7"),
        Ablation("clip", _no_clip,
                 "The ratio may move without limit: plain importance sampling over all epochs.",
                 f"{SCHULMAN_PPO}, section 6.1; {DETAILS}, detail 8"),
        Ablation("clip_annealing", _to(clip_range_schedule="constant"),
                 "The clip range stays as it begins.",
                 f"{DETAILS}, clip annealing among the four further ones"),
        Ablation("value_clip", _to(value_clip_range=None),
                 "The value loss is the squared error; the critic may move as far as it likes.",
                 f"{DETAILS}, detail 9"),
        Ablation("gae", _to(gae_lambda=1.0),
                 "λ = 1: advantages are sampled returns minus values, unbiased and noisy.",
                 f"{SCHULMAN_GAE}, section 3; {DETAILS}, detail 5"),
        Ablation("discount", _to(gamma=1.0),
                 "γ = 1: a reward counts as much however far away it is.",
                 f"{SCHULMAN_GAE}, section 2"),
        Ablation("entropy", _to(entropy_coef=0.0),
                 "Nothing is paid for staying undecided.",
                 f"{DETAILS}, detail 10"),
        Ablation("kl_stop", _to(target_kl=None),
                 "An update takes all its epochs, however far the policy has moved.",
                 f"{DETAILS}, early stopping among the four further ones"),
        Ablation("bootstrap", _to(bootstrap_truncation=False),
                 "A time limit counts as the end of the task: what would have followed is worth 0.",
                 PARDO),
        Ablation("gradient_clip", _to(max_gradient_norm=None),
                 "Gradients are taken however long they are.",
                 f"{DETAILS}, detail 11"),
        Ablation("orthogonal_init", _to(initialization="default"),
                 "First weights are the library's, so the first policy has opinions.",
                 f"{DETAILS}, detail 2"),
        Ablation("separate_networks", _to(shared_layers=True),
                 "Behind vectors, actor and critic share their hidden layers.",
                 f"{DETAILS}, detail 13"),
        Ablation("memory", _to(memory="none"),
                 "The policy sees the present observation only.",
                 f"{DETAILS}, details 32 to 36"),
        Ablation("annealing", _to(learning_rate_schedule="constant"),
                 "The learning rate stays as it begins.",
                 f"{DETAILS}, detail 4"),
        Ablation("epochs", _to(epochs=1),
                 "Each rollout is learned from once, so the policy stays near the one that acted.",
                 f"{SCHULMAN_PPO}, section 5"),
        Ablation("minibatches", lambda baseline: {"minibatch_size": baseline.batch_size},
                 "One gradient step per epoch, over the whole rollout.",
                 f"{DETAILS}, detail 6"),
        Ablation("shuffling", _to(shuffle_minibatches=False),
                 "Minibatches are runs of neighbouring steps, which are alike.",
                 f"{DETAILS}, detail 6"),
        Ablation("adam_epsilon", _to(adam_epsilon=1e-8),
                 "Adam's ε is that of the library instead of the larger one.",
                 f"{DETAILS}, detail 3"),
        Ablation("parallel_environments", lambda baseline: {
                     "environments": 1,
                     "rollout_steps": baseline.batch_size},
                 "One copy of the environment gives the whole rollout, all of it correlated.",
                 f"{DETAILS}, detail 1"),
        Ablation("normalize_observations", _to(normalize_observations=False),
                 "Observations keep their own scales.",
                 f"{DETAILS}, detail 28"),
        Ablation("observation_clip", lambda baseline: {"observation_clip": None}
                 if baseline.normalize_observations else {},
                 "Normalised observations may be of any size.",
                 f"{DETAILS}, detail 29"),
        Ablation("normalize_rewards", _to(normalize_rewards=False),
                 "Rewards keep their own scale.",
                 f"{DETAILS}, detail 30"),
        Ablation("reward_clip", lambda baseline: {"reward_clip": None}
                 if baseline.normalize_rewards else {},
                 "Normalised rewards may be of any size.",
                 f"{DETAILS}, detail 31"),
        Ablation("central_critic", _to(critic="own"),
                 "Of several agents, each is judged by what it sees itself.",
                 f"{YU_MAPPO}, section 5.2"),
        Ablation("agent_index", _to(agent_index=False),
                 "Of several agents, the shared networks are not told which one they act for.",
                 TERRY),
    )
}  # fmt: skip


def ablation(name: str) -> Ablation:
    """The ablation of that name.

    Raises:
        UnknownNameError: there is none; the message lists them.
    """
    if name not in ABLATIONS:
        raise UnknownNameError("without", name, list(ABLATIONS))
    return ABLATIONS[name]
