"""What both sides of the language benchmarks read: words that mean nothing, and their tokenizer.

Only `tokenizers` and torch are used, for contenders live in different virtual environments.
"""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, pre_tokenizers

END, PADDING = "<eos>", "<pad>"


def make_tokenizer(vocabulary: int) -> Tokenizer:
    """So many words, and an end and a padding that no model of so many words can write."""
    names = [*(f"w{i}" for i in range(vocabulary)), END, PADDING]
    words = {name: i for i, name in enumerate(names)}
    backing = Tokenizer(models.WordLevel(words, unk_token=END))
    backing.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return backing


def make_texts(seed: int, rows: int, length: int, vocabulary: int) -> list[list[int]]:
    """Random words; time does not depend on which."""
    generator = torch.Generator().manual_seed(seed)
    texts: list[list[int]] = torch.randint(vocabulary, (rows, length), generator=generator).tolist()
    return texts
