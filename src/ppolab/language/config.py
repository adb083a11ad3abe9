"""Settings of RLHF: how a policy is improved by the rewards of what it writes."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

from ppolab.errors import InvalidSettingError

ALGORITHMS = ("ppo", "rloo", "grpo", "reinforce++")
GROUPED = ("rloo", "grpo")  # compare several responses to one prompt, and need no critic


@dataclass(frozen=True)
class RLHFConfig:
    """One stage of RLHF. The defaults suit the small model that comes with the course.

    They follow Ziegler et al. (2019), "Fine-tuning language models from human preferences", with
    the details that Huang et al. (2024) collected in "The N implementation details of RLHF with
    PPO". The learning rate is far above theirs: the model is a thousand times smaller.
    """

    algorithm: Literal["ppo", "rloo", "grpo", "reinforce++"] = "ppo"
    """Where advantages come from: a critic (ppo), other responses to the prompt (rloo, grpo), or
    the batch (reinforce++)."""
    seed: int = 1
    """Seeds prompts, sampling and shuffling."""
    updates: int = 100
    """Batches of responses to write and learn from."""
    batch_size: int = 64
    """Responses in a batch."""
    responses_per_prompt: int = 1
    """Responses to each prompt; rloo and grpo need at least 2."""
    epochs: int = 4
    """Passes over each batch."""
    minibatch_size: int = 16
    """Responses per gradient step; must divide batch_size."""
    micro_batch_size: int | None = None
    """Responses that go through the model at once; None takes the whole minibatch."""
    longest_response: int = 24
    """Tokens of a response at most, the end-of-sequence token included."""
    temperature: float = 1.0
    """Logits are divided by it, when writing and when learning."""
    learning_rate: float = 2e-4
    """Adam's step size after warm-up."""
    warmup_updates: int = 10
    """Updates over which the learning rate rises to its full size."""
    final_learning_rate: float = 0.1
    """Share of the learning rate that is left at the end, reached in a straight line."""
    adam_epsilon: float = 1e-5
    """Adam's ε; PyTorch adds it outside the bias correction, so early steps are bolder than
    TensorFlow's."""
    max_gradient_norm: float = 1.0
    """Gradients longer than this are shortened to it."""
    clip_range: float = 0.2
    """ε of the clipped objective."""
    value_clip_range: float | None = 0.2
    """ε of the clipped value loss, in reward units; None leaves it unclipped."""
    value_coef: float = 0.1
    """Weight of the value loss, where critic and policy share a trunk."""
    shared_trunk: bool = False
    """Let the critic be a head on the policy: half the work, a little less learnt per update."""
    gamma: float = 1.0
    """Discount per token."""
    gae_lambda: float = 0.95
    """λ of generalized advantage estimation."""
    aggregation: Literal["token_mean", "sequence_mean", "sequence_sum"] = "token_mean"
    """How the losses of tokens become one number."""
    whiten_advantages: bool = True
    """Give the batch's advantages mean 0 and standard deviation 1 over all tokens."""
    whiten_rewards: bool = False
    """Divide the per-token rewards by their standard deviation over the batch; keep their mean."""
    reward_clip: float | None = 10.0
    """Scores beyond ± this are cut; None leaves them."""
    missing_end_penalty: float = 1.0
    """Taken off the score of a response that does not end by itself (the EOS trick)."""
    kl_placement: Literal["reward", "loss"] = "reward"
    """Whether the KL to the reference is taken off each token's reward, or added to the loss."""
    kl_estimator: Literal["k1", "k2", "k3"] = "k1"
    """How the KL is estimated from the tokens that were written."""
    kl_controller: Literal["adaptive", "fixed"] = "adaptive"
    """Whether the KL coefficient is steered towards kl_target."""
    kl_coef: float = 0.1
    """The KL coefficient at the start, reward units per nat; 0 leaves the policy unbound."""
    kl_target: float = 8.0
    """KL per response that the adaptive controller aims at, nats."""
    kl_horizon: int = 1000
    """Responses over which the adaptive controller has its full effect."""
    target_kl: float | None = None
    """Stop the epochs of an update once the approximate KL to the policy before it passes this."""
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Arithmetic of the models; auto measures which is quicker here."""
    evaluate_every: int = 10
    """Updates between evaluations on held-out prompts; 0 never."""
    evaluation_prompts: int = 128
    """Held-out prompts in an evaluation."""

    def __post_init__(self) -> None:
        positive = ("updates", "batch_size", "responses_per_prompt", "epochs", "minibatch_size",
                    "longest_response", "kl_horizon", "evaluation_prompts", "temperature",
                    "learning_rate", "adam_epsilon", "max_gradient_norm", "clip_range",
                    "kl_target")  # fmt: skip
        for name in positive:
            self._require(name, getattr(self, name) > 0, "must be positive", "Give more than 0")
        for name in ("value_clip_range", "reward_clip", "target_kl", "micro_batch_size"):
            value = getattr(self, name)
            self._require(name, value is None or value > 0, "must be positive",
                          "Give more than 0, or leave it out")  # fmt: skip
        for name in ("warmup_updates", "value_coef", "missing_end_penalty", "kl_coef",
                     "evaluate_every"):  # fmt: skip
            self._require(name, getattr(self, name) >= 0, "must not be negative", "Give 0 or more")
        for name in ("gamma", "gae_lambda", "final_learning_rate"):
            self._require(name, 0 <= getattr(self, name) <= 1, "must lie in [0, 1]",
                          "Give a number from 0 to 1")  # fmt: skip
        choices = {
            "algorithm": ALGORITHMS,
            "aggregation": ("token_mean", "sequence_mean", "sequence_sum"),
            "kl_placement": ("reward", "loss"),
            "kl_estimator": ("k1", "k2", "k3"),
            "kl_controller": ("adaptive", "fixed"),
            "dtype": ("auto", "float32", "bfloat16"),
        }
        for name, known in choices.items():
            self._require(name, getattr(self, name) in known, "is not known",
                          f"Known: {', '.join(known)}")  # fmt: skip
        self._require("seed", 0 <= self.seed < 2**31, "is out of range", "Give 0 to 2147483647")
        self._require("minibatch_size", self.batch_size % self.minibatch_size == 0,
                      f"does not divide the batch of {self.batch_size}",
                      "Choose a divisor of it")  # fmt: skip
        self._require("responses_per_prompt", self.batch_size % self.responses_per_prompt == 0,
                      f"does not divide the batch of {self.batch_size}",
                      "Choose a divisor of it")  # fmt: skip
        self._require("responses_per_prompt",
                      self.algorithm not in GROUPED or self.responses_per_prompt >= 2,
                      f"leaves {self.algorithm} nothing to compare", "Give 2 or more")  # fmt: skip
        self._require("shared_trunk", not self.shared_trunk or self.algorithm == "ppo",
                      f"means nothing to {self.algorithm}, which has no critic",
                      "Leave it out")  # fmt: skip

    @property
    def has_critic(self) -> bool:
        """Whether a value function is learnt."""
        return self.algorithm == "ppo"

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `RLHFConfig(**data)` builds the same settings."""
        return asdict(self)

    def _require(self, name: str, holds: bool, problem: str, mend: str) -> None:
        if not holds:
            raise InvalidSettingError(name, getattr(self, name), problem, mend)
