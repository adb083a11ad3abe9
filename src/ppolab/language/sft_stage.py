"""The first stage of RLHF: a base model learns the task by examples."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, ClassVar

from ppolab.language.evaluation import SHOWN_SAMPLES, answers
from ppolab.language.generation import Sampling
from ppolab.language.huggingface.settings import HuggingFaceSettings
from ppolab.language.sft_training import SFTConfig, SFTTrainer
from ppolab.language.stage_models import BASE, Say, subject_of, task_of, trainable
from ppolab.recorder import Recorder

_LONGEST = 24  # tokens of a text that is shown


@dataclass(frozen=True)
class SFTStage:
    """Teach a base model the task by examples."""

    kind: ClassVar[str] = "sft"

    task: str = "austen"
    """What to learn; austen: cheerful sentences of Jane Austen; movies: film reviews;
    arithmetic: sums."""
    model: str = BASE
    """What to begin with: base, the folder of a run, or a Hugging Face model's folder or id."""
    training: SFTConfig = field(default_factory=SFTConfig)
    huggingface: HuggingFaceSettings = field(default_factory=HuggingFaceSettings)

    @property
    def start(self) -> str:
        """The model that it goes on from."""
        return self.model

    def to_mapping(self) -> dict[str, Any]:
        """Return plain data that JSON can hold."""
        return dataclasses.asdict(self)


def sft_trainer(stage: SFTStage, recorder: Recorder, say: Say) -> SFTTrainer:
    """The trainer of an SFT stage."""
    say(f"reading {subject_of(stage)[0]}")
    model = trainable(stage)
    task = task_of(stage, model)
    fitting = [
        prompt
        for prompt in task.prompts(validation=True)
        if len(prompt) + _LONGEST <= model.context_length
    ]
    prompts = fitting[:SHOWN_SAMPLES]
    return SFTTrainer(
        stage.training, model, task.examples(), task.examples(True), recorder,
        (lambda model: answers(model, task.tokenizer, prompts, Sampling(_LONGEST)))
        if prompts else None,
    )  # fmt: skip
