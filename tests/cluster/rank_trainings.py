"""Small trainings that ranks of tests share, and that tests also do alone."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from ppolab.cluster.data_parallel import ProcessRanks
from ppolab.cluster.executor import Member
from ppolab.cluster.sharding import ShardedRanks
from ppolab.language.config import RLHFConfig
from ppolab.language.generation import Samples
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.preference_data import PreferencePair
from ppolab.language.reward_config import RewardConfig
from ppolab.language.reward_model import RewardModel
from ppolab.language.reward_training import RewardTrainer
from ppolab.language.sft import Example
from ppolab.language.sft_training import SFTConfig, SFTTrainer
from ppolab.language.stage_trainer import StageTrainer
from ppolab.language.tokenizer import Tokenizer
from ppolab.language.trainer import RLHFTrainer

END = 0
PROMPTS = [[3, 1], [4, 1, 5], [9], [2, 6, 5, 3], [5, 8], [9, 7, 9]]


class Letters(Tokenizer):
    """Token 7 is written as "7"."""

    def __init__(self) -> None:
        self.end, self.vocabulary = END, 37

    def decode(self, ids: Any) -> str:
        return " ".join(str(i) for i in ids)


class Oddness:
    """Pleased by odd tokens."""

    name = "oddness"

    def __call__(self, samples: Samples, texts: Any) -> Tensor:
        odd = (samples.responses % 2 * samples.mask).sum(1)
        return odd.float() / samples.response_lengths


def tiny_model(seed: int) -> GPT:
    model = GPT(GPTConfig(vocabulary=37, context=24, layers=2, heads=2, width=16), seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(10.0)
    return model


def sft() -> SFTTrainer:
    """Examples of very different lengths, so that rows do not count the same."""
    texts = [[1 + (i * k) % 35 for k in range(1, 3 + i % 9)] + [END] for i in range(40)]
    examples = [Example(text) for text in texts]
    config = SFTConfig(updates=3, batch_size=8, evaluate_every=3, dtype="float32")
    return SFTTrainer(config, tiny_model(1), examples[8:], examples[:8])


def reward(heads: int = 1) -> RewardTrainer:
    pairs = [
        PreferencePair([1, 2 + i % 7, 3, END], [1, 9 + i % 5, END], 1, margin=0.1 * (i % 3))
        for i in range(50)
    ]
    config = RewardConfig(
        batch_size=8, dtype="float32", evaluate_every=2, members=heads,
        ensemble="heads" if heads > 1 else "none",
    )  # fmt: skip
    return RewardTrainer(config, RewardModel(tiny_model(1), 1, config.shape), pairs)


def rlhf(**settings: Any) -> RLHFTrainer:
    shared = {"batch_size": 8, "minibatch_size": 4, "epochs": 2, "longest_response": 8,
              "updates": 3, "evaluate_every": 2, "dtype": "float32",
              "learning_rate": 0.003, **settings}  # fmt: skip
    config = RLHFConfig(**shared)
    needs_critic = config.has_critic and not config.shared_trunk
    return RLHFTrainer(
        config, tiny_model(1), tiny_model(1), Letters(), Oddness(), PROMPTS, PROMPTS,
        tiny_model(2) if needs_critic else None,
    )  # fmt: skip


MAKERS = {
    "sft": sft,
    "reward": reward,
    "reward heads": lambda: reward(heads=3),
    "ppo": rlhf,
    "ppo shared, small pieces": lambda: rlhf(shared_trunk=True, micro_batch_size=1),
    "grpo": lambda: rlhf(algorithm="grpo", responses_per_prompt=4, kl_placement="loss",
                         aggregation="sequence_mean", target_kl=1e-4),
}  # fmt: skip

Finished = tuple[list[dict[str, float]], dict[str, Tensor]]


def trained(trainer: StageTrainer, steps: int = 3) -> Finished:
    """What so many iterations record, and the state after them."""
    told = [trainer.iterate() for _ in range(steps)]  # type: ignore[attr-defined]
    return told, trainer.state()[0]  # type: ignore[attr-defined]


def train_together(member: Member, name: str, shard: bool = False) -> Finished:
    """The same on ranks."""
    trainer = MAKERS[name]()
    trainer.join(ShardedRanks() if shard else ProcessRanks())
    return trained(trainer)


def draw_numbers(member: Member) -> tuple[list[Tensor], float, slice]:
    """What the exchanges give for numbers that are known."""
    ranks = ProcessRanks()
    rows = torch.arange(2.0 + member.rank * 3).view(-1, 1).expand(-1, 1 + member.rank)
    gathered = ranks.gather(rows), ranks.gather(torch.tensor([True, member.rank == 1]))
    return [*gathered, ranks.sum(rows[:2, :1].clone())], ranks.largest(-member.rank), ranks.share(5)


def weights_held(member: Member) -> tuple[int, int]:
    """Numbers that a rank keeps of trained weights and their memory: whole, and sharded."""
    counts = []
    for ranks in (ProcessRanks(), ShardedRanks()):
        trainer = sft()
        trainer.join(ranks)
        trainer.iterate()
        weights = trainer.model.parameters()
        own = sum(getattr(w, "_local_tensor", w).numel() for w in weights)
        memory = trainer.optimizer._adam.state.values()  # type: ignore[attr-defined]
        counts.append(own + sum(value.numel() for known in memory for value in known.values()))
    return counts[0], counts[1]
