"""What a stage is told of a Hugging Face model and of one's own data."""

from __future__ import annotations

from dataclasses import dataclass

from ppolab.errors import InvalidSettingError, UnknownNameError

ROLLOUTS = ("own", "vllm")


@dataclass(frozen=True)
class HuggingFaceSettings:
    """Needed only with a Hugging Face model; the defaults train all its weights on the task."""

    prompts: str = ""
    """File of JSON lines to write about, each with "prompt", for fine-tuning "response", and
    whatever a reward function asks for, such as "answer"; empty takes the task's."""
    pairs: str = ""
    """File of JSON lines to learn preferences from: "prompt", "chosen", "rejected"; empty has the
    task's judge compare answers."""
    lora_rank: int = 0
    """Rank of a LoRA adapter, which alone is trained; 0 trains all weights."""
    lora_alpha: int = 16
    """The adapter's product is multiplied by alpha / rank."""
    gradient_checkpointing: bool = False
    """Keep less between the forward and the backward pass and compute it again: about a third more
    time for much less memory."""

    rollouts: str = "own"
    """Who writes the responses of RLHF: own, the model itself, or vllm, with its weights."""

    def __post_init__(self) -> None:
        if self.lora_rank < 0:
            raise InvalidSettingError(
                "lora_rank", self.lora_rank, "must not be negative", "Give 0 or more"
            )
        if self.rollouts not in ROLLOUTS:
            raise UnknownNameError("rollouts", self.rollouts, list(ROLLOUTS))
        if self.lora_alpha <= 0:
            raise InvalidSettingError(
                "lora_alpha", self.lora_alpha, "must be positive", "Give more than 0"
            )
