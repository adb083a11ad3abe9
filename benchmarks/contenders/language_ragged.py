"""PPO Lab's update on responses of different lengths, with and without arithmetic on padding.

Without: as the engine does it. With: the same update, told that every position holds a token, so
that each is computed; only the mask is missing that would then leave the padding out of the means,
and that takes no time to speak of.
"""

from __future__ import annotations

import copy
import gc
from typing import Any

import torch
from language_ppo import StageTimer, make
from serving import Stopwatch, peak_memory, serve
from torch import Tensor

import ppolab
from ppolab.language.experience import make_experience
from ppolab.language.generation import Samples
from ppolab.language.trainer import RLHFTrainer
from ppolab.language.update import update


def draw_lengths(seed: int, rows: int, longest: int, ending: float) -> Tensor:
    """Tokens of responses [rows] that each token ends with a probability, and the longest does."""
    uniforms = torch.rand(rows, generator=torch.Generator().manual_seed(seed))
    waited = 1 + (torch.log1p(-uniforms) / torch.log1p(torch.tensor(-ending))).floor()
    return waited.long().clamp(max=longest)


def make_samples(job: dict[str, Any], lengths: Tensor) -> Samples:
    """Random prompts and responses of these lengths."""
    generator = torch.Generator().manual_seed(job["seed"])
    rows, vocabulary = job["batch"], job["shape"]["vocabulary"]

    def words(columns: int) -> Tensor:
        return torch.randint(vocabulary, (rows, columns), generator=generator)

    mask = torch.arange(job["response"]) < lengths.unsqueeze(1)
    log_probs = -torch.rand(mask.shape, generator=generator) * mask
    return Samples(
        words(job["prompt"]), torch.full((rows,), job["prompt"]), words(job["response"]) * mask,
        lengths, torch.ones(rows, dtype=torch.bool), log_probs,
    )  # fmt: skip


def learn(trainer: RLHFTrainer, samples: Samples, seed: int) -> None:
    """All gradient steps of one update; what it learns from is noise."""
    generator = torch.Generator().manual_seed(seed)
    values = torch.randn(samples.mask.shape, generator=generator) * samples.mask
    scores = torch.randn(len(samples), generator=generator)
    experience = make_experience(
        trainer.config, samples, samples.log_probs, scores, values, trainer.config.kl_coef
    )
    update(
        trainer.learner, experience, trainer.config, trainer.config.learning_rate,
        trainer.config.kl_coef, generator,
    )  # fmt: skip


def train(job: dict[str, Any]) -> dict[str, Any]:
    """Do the job's updates on the same responses; count their real tokens."""
    gc.collect()
    torch.set_num_threads(job["threads"])
    trainer = make(job, StageTimer())
    lengths = draw_lengths(job["seed"], job["batch"], job["response"], job["ending"])
    everything = torch.full_like(lengths, job["response"])
    samples = make_samples(job, everything if job["padded"] else lengths)
    watch = Stopwatch()
    for number in range(job["updates"]):
        learn(trainer, copy.copy(samples), number)
    return {
        "count": job["updates"] * int(lengths.sum()), **watch.read(),
        "lengths": lengths.tolist(), "peak_memory": peak_memory(),
    }  # fmt: skip


if __name__ == "__main__":
    serve({"ppolab": ppolab.__version__, "torch": torch.__version__}, train)
