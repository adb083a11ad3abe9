"""vLLM writes the responses, with the policy's weights of the moment."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError, PPOLabError, UnavailableError
from ppolab.language.evaluation import response_log_probs
from ppolab.language.generation import Samples, Sampling
from ppolab.language.huggingface.causal import HuggingFaceModel
from ppolab.language.huggingface.loading import PRETRAINED, save_model
from ppolab.language.huggingface.tokenizer import HuggingFaceTokenizer
from ppolab.language.models import LanguageModel
from ppolab.language.ranks import Ranks
from ppolab.language.rollouts import Rollouts

_LARGEST_GAP = 0.5  # nats per token, far above what rounding in bfloat16 makes of log-probabilities
_SHARE_OF_GPU = 0.3  # of its memory; training needs the rest


class RolloutsDifferError(PPOLabError):
    """What wrote the responses does not hold the policy's weights."""


class VLLMRollouts(Rollouts):
    """Has an engine of vLLM in this process write the responses.

    The weights reach it through a folder, adapters merged, before every batch. It answers with
    tokens only: log-probabilities are those that the policy itself gives them, for the ratio of PPO
    must be 1 where nothing has been learnt yet. The engine's own are compared with them, and
    `rollout_gap`, their mean distance in nats per token, is recorded: above rounding it says that
    the weights did not arrive.

    Requests carry seeds drawn by the trainer. vLLM does not promise the same rounding for every
    mixture of requests, so that runs do not repeat bit for bit.

    Args:
        tokenizer: saved beside the weights, for the engine asks for one.
        start: makes the engine from a folder and a name of an arithmetic; vLLM's by default.
    """

    def __init__(
        self,
        tokenizer: HuggingFaceTokenizer,
        start: Callable[[str, str], Any] | None = None,
    ) -> None:
        self._tokenizer = tokenizer
        self._start = start or start_engine
        self._engine: Any = None
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    def __call__(
        self,
        policy: LanguageModel,
        prompts: Sequence[list[int]],
        sampling: Sampling,
        end: int,
        generator: torch.Generator,
        value_head: Callable[[Tensor], Tensor] | None,
        ranks: Ranks,
    ) -> Samples:
        """Write a response to each prompt; see `Rollouts`.

        Raises:
            InvalidSettingError: several ranks share the batch.
            RolloutsDifferError: the engine's log-probabilities are not the policy's.
            UnavailableError: vLLM is not installed.
        """
        assert isinstance(policy, HuggingFaceModel)
        if ranks.size > 1:
            raise InvalidSettingError(
                "rollouts", "vllm", f"cannot write for {ranks.size} ranks", "Use one rank"
            )
        self._bring_weights(policy)
        seeds = torch.randint(2**31 - 1, (len(prompts),), generator=generator).tolist()
        answers = self._engine.generate(
            [{"prompt_token_ids": list(prompt)} for prompt in prompts],
            [self._parameters(sampling, end, seed) for seed in seeds],
            use_tqdm=False,
        )
        samples, theirs = _samples(prompts, [answer.outputs[0] for answer in answers], end)
        samples, theirs = _moved(samples, policy.device), theirs.to(policy.device)
        with torch.no_grad():
            ours = response_log_probs(policy, samples, sampling.temperature or 1.0)
        gap = float((theirs - ours)[samples.mask].abs().mean())
        self.measured = {"rollout_gap": gap}
        if not gap <= _LARGEST_GAP:
            raise RolloutsDifferError(
                "rollouts", "vllm", f"give their tokens log-probabilities {gap:.2g} nats from the "
                "policy's own", "Write with the policy itself (--rollouts own)",
            )  # fmt: skip
        samples.log_probs.copy_(ours)
        return samples

    def close(self) -> None:
        """Let the engine and its folder go."""
        self._engine = None
        if self._folder is not None:
            self._folder.cleanup()
            self._folder = None

    def _bring_weights(self, policy: HuggingFaceModel) -> None:
        """Save the policy where the engine reads it, and have it read."""
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="ppolab-vllm-")
        folder = Path(self._folder.name)
        save_model(folder, policy, self._tokenizer)
        if self._engine is None:
            weights = next(policy.causal.parameters())
            arithmetic = str(weights.dtype).removeprefix("torch.")
            self._engine = self._start(str(folder / PRETRAINED), arithmetic)
        else:
            self._engine.collective_rpc("reload_weights")

    def _parameters(self, sampling: Sampling, end: int, seed: int) -> Any:
        from vllm import SamplingParams

        return SamplingParams(
            temperature=sampling.temperature, max_tokens=sampling.longest, seed=seed,
            top_k=sampling.top_k or 0, top_p=1.0 if sampling.top_p is None else sampling.top_p,
            ignore_eos=True, stop_token_ids=[end], logprobs=0, detokenize=False,
        )  # fmt: skip


def start_engine(folder: str, arithmetic: str) -> Any:
    """Start vLLM in this process, on the GPU if there is one.

    Args:
        folder: of the model.
        arithmetic: float32 or bfloat16.

    Raises:
        UnavailableError: it is not installed.
    """
    os.environ.setdefault("VLLM_ENABLE_V1_MULTIPROCESSING", "0")  # its weights are then reachable
    try:
        from vllm import LLM
    except ImportError as error:
        raise UnavailableError(
            "rollouts", "vllm", f"cannot be loaded ({error})",
            "Install vllm for this machine, or write with the policy itself (--rollouts own)",
        ) from error  # fmt: skip
    return LLM(
        folder, dtype=arithmetic, enforce_eager=not torch.cuda.is_available(),
        gpu_memory_utilization=_SHARE_OF_GPU, generation_config="vllm",
        logprobs_mode="processed_logprobs",
        # What it remembers of prompts would be that of the weights before.
        enable_prefix_caching=False,
    )  # fmt: skip


def _samples(
    prompts: Sequence[list[int]], answers: Sequence[Any], end: int
) -> tuple[Samples, Tensor]:
    """What was written as samples, and the log-probabilities that came with it."""
    rows = [list(answer.token_ids) for answer in answers]
    lengths = torch.tensor([len(row) for row in rows])
    said = [
        [step[token].logprob for token, step in zip(row, answer.logprobs, strict=True)]
        for row, answer in zip(rows, answers, strict=True)
    ]
    responses = _padded(rows, torch.long)
    theirs = _padded(said, torch.float32)
    samples = Samples(
        _padded(prompts, torch.long), torch.tensor([len(prompt) for prompt in prompts]),
        responses, lengths, torch.tensor([row[-1] == end for row in rows]),
        torch.zeros_like(theirs),
    )  # fmt: skip
    return samples, theirs


def _moved(samples: Samples, device: torch.device) -> Samples:
    return Samples(
        samples.prompts.to(device), samples.prompt_lengths.to(device),
        samples.responses.to(device), samples.response_lengths.to(device),
        samples.ended.to(device), samples.log_probs.to(device),
    )  # fmt: skip


def _padded(rows: Sequence[Sequence[float]], dtype: torch.dtype) -> Tensor:
    """Rows [rows, longest] with 0 on the right."""
    return torch.nn.utils.rnn.pad_sequence(
        [torch.tensor(row, dtype=dtype) for row in rows], batch_first=True
    )
