"""Settings of a PPO run on a Gymnasium environment."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Literal, get_args, get_origin, get_type_hints

from ppolab.errors import InvalidSettingError, UnknownNameError


@dataclass(frozen=True)
class PPOConfig:
    """One PPO run. The defaults are CleanRL's for classic control, the field's common ground.

    One differs: values are not clipped, as in the paper; CleanRL clips them at 0.2, and on
    CartPole-v1 that holds what was learned better (docs/results.md).

    They follow details 1 to 13 of Huang et al. (2022), "The 37 implementation details of PPO".
    """

    kind: ClassVar[str] = "control"  # of the run that it configures

    environment: str = "CartPole-v1"
    """Id of a Gymnasium environment, or one with a prefix; docs/environments.md lists them."""
    environment_options: dict[str, bool | int | float | str] = field(default_factory=dict)
    """Arguments with which the environment is made, by name; they are the environment's own."""
    backend: Literal["auto", "torch", "compiled"] = "auto"
    """Who does the arithmetic; auto takes compiled kernels where they can serve, else torch."""
    threads: int = 1
    """Threads of the compiled back end; a second one pays from minibatches of 256 on."""
    seed: int = 1
    """Seeds the environments, the initial weights, the actions and the shuffling."""
    total_steps: int = 500_000
    """Environment steps to train for, over all copies of the environment."""
    environments: int = 4
    """Copies of the environment that act side by side (detail 1)."""
    rollout_steps: int = 128
    """Steps that each copy takes before an update (detail 1)."""
    epochs: int = 4
    """Passes over each rollout."""
    minibatch_size: int = 128
    """Samples per gradient step; must divide environments × rollout_steps."""
    learning_rate: float = 2.5e-4
    """Adam's step size at the start."""
    learning_rate_schedule: Literal["linear", "constant", "cosine"] = "linear"
    """How the learning rate falls until the end (detail 4)."""
    gamma: float = 0.99
    """Discount per step."""
    gae_lambda: float = 0.95
    """λ of generalized advantage estimation (detail 5)."""
    bootstrap_truncation: bool = True
    """Add γ·V(final observation) where a time limit cut an episode off; else it counts as ended."""
    shuffle_minibatches: bool = True
    """Draw each epoch's minibatches anew; else they are runs of neighbouring steps (detail 6)."""
    normalize_advantages: bool = True
    """Give each minibatch's advantages mean 0 and standard deviation 1 (detail 7)."""
    policy_loss: Literal["clipped", "unclipped", "asymmetric", "dual_clip", "kl_penalty"] = (
        "clipped"
    )
    """What is minimised for the actor; the others are variants of the clipped one (detail 8)."""
    clip_range: float = 0.2
    """ε of the clipped objective, at the start (detail 8)."""
    clip_range_schedule: Literal["constant", "linear", "cosine"] = "constant"
    """How ε falls until the end."""
    clip_range_high: float = 0.28
    """How far above 1 the ratio may go with policy_loss asymmetric; below it is clip_range."""
    dual_clip: float = 3.0
    """Ratio beyond which a bad action pulls no further, with policy_loss dual_clip."""
    kl_penalty_coef: float = 1.0
    """β, the price of a nat of KL at the start, with policy_loss kl_penalty."""
    kl_penalty_target: float | None = None
    """KL in nats that β is halved or doubled to hold; None: β stays as it is."""
    value_clip_range: float | None = None
    """ε of the clipped value loss, in reward units; None leaves it unclipped (detail 9)."""
    value_coef: float = 0.5
    """Weight of the value loss (detail 10)."""
    entropy_coef: float = 0.01
    """Weight of the entropy bonus (detail 10)."""
    max_gradient_norm: float | None = 0.5
    """Gradients longer than this are shortened to it; None leaves them (detail 11)."""
    monitor_gradients: bool = False
    """Record each layer's gradient, its steps and units that answer no more, once an iteration."""
    target_kl: float | None = None
    """Stop the epochs of an update early once the approximate KL passes this, in nats."""
    normalize_observations: bool = False
    """Bring observations to mean 0 and standard deviation 1 as they are seen (details 28, 29)."""
    observation_clip: float | None = 10.0
    """Normalised observations are cut off at ± this; None leaves them (detail 29)."""
    normalize_rewards: bool = False
    """Divide rewards by the spread of discounted returns (details 30, 31)."""
    reward_clip: float | None = 10.0
    """Normalised rewards are cut off at ± this; None leaves them (detail 31)."""
    initialization: Literal["orthogonal", "default"] = "orthogonal"
    """First weights: orthogonal with a small output of the actor, or torch's own (detail 2)."""
    activation: Literal["tanh", "relu"] = "tanh"
    """Of the hidden layers behind vectors; those of images are ReLU."""
    shared_encoder: bool = True
    """Let actor and critic share the encoder of images (detail 21)."""
    shared_layers: bool = False
    """Let actor and critic share the hidden layers behind vectors; detail 13 keeps them apart."""
    micro_batch_size: int | None = None
    """Largest piece that goes through the network at once; None takes the whole minibatch."""
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    """Arithmetic of the networks during the update; auto: bfloat16 for images on a CPU made for it.

    Weights and what Adam knows stay float32.
    """
    critic: Literal["own", "central"] = "own"
    """Of several agents: the critic sees what its actor sees, or the whole state as well."""
    agent_index: bool = True
    """Of several agents: tell the shared networks which agent they act for."""
    hidden_size: int = 64
    """Units of each of the two hidden layers, of actor and critic each (detail 13)."""
    memory: Literal["none", "gru", "lstm"] = "none"
    """A layer that remembers within an episode, shared by actor and critic (details 32 to 36)."""
    memory_size: int = 64
    """Units of the memory."""
    adam_epsilon: float = 1e-5
    """Adam's ε (detail 3)."""
    stop_return: float | None = None
    """Finish early once the mean return of the last 100 episodes reaches this; None: never."""

    def __post_init__(self) -> None:
        _check_options(self.environment_options)
        counts = (
            "threads",
            "total_steps",
            "environments",
            "rollout_steps",
            "epochs",
            "minibatch_size",
        )
        for name in (*counts, "hidden_size", "memory_size"):
            _require(self, name, getattr(self, name) >= 1, "must be at least 1", "Give 1 or more")
        _require(self, "seed", 0 <= self.seed < 2**31, "is out of range", "Give 0 to 2147483647")
        for name in ("learning_rate", "clip_range", "clip_range_high", "adam_epsilon"):
            value = getattr(self, name)
            _require(self, name, 0 < value < math.inf, "must be positive", "Give a number above 0")
        for name in ("value_clip_range", "target_kl", "kl_penalty_target", "max_gradient_norm",
                     "observation_clip", "reward_clip"):  # fmt: skip
            value = getattr(self, name)
            _require(self, name, value is None or 0 < value < math.inf, "must be positive",
                     "Give a number above 0, or leave it out")  # fmt: skip
        for name in ("gamma", "gae_lambda"):
            value = getattr(self, name)
            _require(self, name, 0 <= value <= 1, "must lie in [0, 1]", "Give a number from 0 to 1")
        for name in ("value_coef", "entropy_coef", "kl_penalty_coef"):
            value = getattr(self, name)
            _require(self, name, 0 <= value < math.inf, "must not be negative",
                     "Give 0 or a positive number")  # fmt: skip
        for name, choices in _choices().items():
            _require(self, name, getattr(self, name) in choices, "is not one of the choices",
                     f"Known: {', '.join(choices)}")  # fmt: skip
        _require(self, "dual_clip", 1 + self.clip_range < self.dual_clip < math.inf
                 or self.policy_loss != "dual_clip",
                 f"must lie above 1 + clip_range = {1 + self.clip_range:g}",
                 "3 is the paper's")  # fmt: skip
        micro = self.micro_batch_size
        _require(self, "micro_batch_size", micro is None or micro >= 1, "must be at least 1",
                 "Give 1 or more, or leave it out")  # fmt: skip
        _require(self, "minibatch_size", self.batch_size % self.minibatch_size == 0,
                 f"does not divide the rollout of {self.environments} environments × "
                 f"{self.rollout_steps} steps = {self.batch_size} samples",
                 "Choose a divisor of it")  # fmt: skip
        self._check_memory()
        _require(self, "shared_layers", not self.shared_layers or self.critic == "own",
                 "does not go with a critic that sees what the actor does not",
                 "Leave it off, or take critic own")  # fmt: skip
        _require(self, "total_steps", self.total_steps >= self.batch_size,
                 f"is less than one rollout of {self.batch_size} steps",
                 f"Give {self.batch_size} or more, or a smaller rollout")  # fmt: skip

    def _check_memory(self) -> None:
        if self.memory == "none":
            return
        _require(self, "shared_encoder", self.shared_encoder,
                 "does not go with a memory, which actor and critic share",
                 "Leave it on, or take memory none")  # fmt: skip
        _require(self, "critic", self.critic == "own",
                 "sees what the actor does not, and a memory is shared by both",
                 "Take own, or memory none")  # fmt: skip
        _require(self, "minibatch_size", self.minibatch_size % self.rollout_steps == 0,
                 "cuts through what is remembered: a minibatch is made of whole environments, each "
                 f"with its {self.rollout_steps} steps",
                 f"Choose a multiple of {self.rollout_steps} that divides {self.batch_size}",
                 )  # fmt: skip
        micro = self.micro_batch_size
        _require(self, "micro_batch_size", micro is None or micro >= self.rollout_steps,
                 f"cuts through what is remembered in {self.rollout_steps} steps",
                 f"Give {self.rollout_steps} or more, or leave it out")  # fmt: skip

    @property
    def batch_size(self) -> int:
        """Samples in one rollout."""
        return self.environments * self.rollout_steps

    @property
    def iterations(self) -> int:
        """Rollouts in the whole run; what is left of `total_steps` after the last is not used."""
        return self.total_steps // self.batch_size

    @property
    def planned_steps(self) -> int:
        """Environment steps that the whole run takes."""
        return self.iterations * self.batch_size

    @classmethod
    def from_mapping(cls, settings: Mapping[str, Any]) -> PPOConfig:
        """Build from plain data such as YAML or JSON, naming any setting that cannot be used.

        Raises:
            UnknownNameError: a setting that does not exist.
            InvalidSettingError: a value of the wrong type or out of range.
        """
        fields = {field.name: str(field.type) for field in dataclasses.fields(cls)}
        values: dict[str, Any] = {}
        for name, value in settings.items():
            if name not in fields:
                raise UnknownNameError("setting", name, sorted(fields))
            values[name] = _coerce(name, value, fields[name])
        return cls(**values)

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data from which `from_mapping` builds the same settings."""
        return dataclasses.asdict(self)


@functools.cache
def _choices() -> dict[str, tuple[str, ...]]:
    """Settings that are one of several words, with the words."""
    hints = get_type_hints(PPOConfig)
    return {name: get_args(hint) for name, hint in hints.items() if get_origin(hint) is Literal}


def _require(config: PPOConfig, name: str, holds: bool, problem: str, mend: str) -> None:
    if not holds:
        raise InvalidSettingError(name, getattr(config, name), problem, mend)


def _check_options(options: Any) -> None:
    plain = isinstance(options, dict) and all(
        isinstance(key, str) and isinstance(value, (bool, int, float, str))
        for key, value in options.items()
    )
    if not plain:
        raise InvalidSettingError(
            "environment_options", options, "is not a table of names and plain values",
            "Give names with true, false, numbers or text, such as {continuous: true}",
        )  # fmt: skip


def _coerce(name: str, value: Any, annotation: str) -> Any:
    """Accept what JSON or YAML may write for a type: 1 for 1.0, never "1" or True for 1."""
    if value is None and "None" in annotation:
        return None
    kind = annotation.split(" ")[0]
    if kind == "bool" and isinstance(value, bool):
        return value
    if kind == "int" and isinstance(value, (int, float)) and not isinstance(value, bool):
        if value == int(value) if math.isfinite(value) else False:
            return int(value)
        raise InvalidSettingError(name, value, "is not a whole number", "Give a whole number")
    if kind == "float" and isinstance(value, (int, float)) and not isinstance(value, bool):
        return float(value)
    if kind.startswith("dict"):
        _check_options(value)
        return dict(value)
    if (kind == "str" or kind.startswith("Literal")) and isinstance(value, str):
        return value
    words = {"int": "a whole number", "float": "a number", "bool": "true or false"}
    expected = words.get(kind, "text")
    raise InvalidSettingError(name, value, f"is not {expected}", f"Give {expected}")
