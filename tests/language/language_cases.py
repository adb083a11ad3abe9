"""Small models and batches for the language tests."""

from __future__ import annotations

import torch

from ppolab.language.generation import Samples
from ppolab.language.gpt import GPT, GPTConfig

TINY = GPTConfig(vocabulary=37, context=24, layers=2, heads=2, width=16)
END = 0


def tiny_gpt(seed: int = 1, spread: float = 10.0) -> GPT:
    """A GPT whose weights are large enough for its predictions to differ from chance."""
    model = GPT(TINY, seed)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim == 2:
                parameter.mul_(spread)
    return model


def samples_of(
    prompts: list[list[int]], responses: list[list[int]], log_prob: float = -1.0
) -> Samples:
    """Samples from lists; every token has the same log-probability."""
    prompt_lengths = torch.tensor([len(p) for p in prompts])
    lengths = torch.tensor([len(r) for r in responses])
    padded = torch.zeros(len(prompts), int(prompt_lengths.max()), dtype=torch.long)
    written = torch.zeros(len(responses), int(lengths.max()), dtype=torch.long)
    for row, (prompt, response) in enumerate(zip(prompts, responses, strict=True)):
        padded[row, : len(prompt)] = torch.tensor(prompt)
        written[row, : len(response)] = torch.tensor(response)
    mask = torch.arange(written.shape[1]) < lengths.unsqueeze(1)
    ended = torch.tensor([response[-1] == END for response in responses])
    return Samples(padded, prompt_lengths, written, lengths, ended, log_prob * mask)
