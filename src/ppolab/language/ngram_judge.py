"""A judge that learnt from people: which runs of words and letters go with what they liked.

Unlike a lexicon it was given no word's meaning, it weighs words as people met them in whole texts,
and a word more is worth the less, the longer the text. So it errs in other places, which is what a
second judge is for.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 – the field's own abbreviation

from ppolab.language.corpus import plain_text
from ppolab.language.generation import Samples

_WORD = re.compile(r"[a-z']+|[0-9]+|[!?.,;:()-]")
_PIECES = (3, 4, 5)  # letters of the runs within a word, its ends marked
_MIX = np.uint64(2654435761)  # spreads the hashes of pairs (Knuth's multiplicative hashing)
_STEPS = 40  # of L-BFGS; the loss hardly moves after them

Ids = NDArray[np.int64]


class NgramJudge:
    r"""Logistic regression on the words, pairs of words and pieces of words of a text.

    $$s = 2\sigma\Bigl(b + \frac{1}{\sqrt{|G|}} \sum_{g \in G} w_{h(g)}\Bigr) - 1$$

    G are the different n-grams of the text and h the place that a hash gives each. The score lies
    between −1 and 1: by how much likelier it is that a person likes the text than that one does
    not.

    Args:
        name: what it is called.
        weights: [places] float32, w.
        bias: b.

    Source of the hashing: Weinberger et al. (2009), "Feature hashing for large scale multitask
    learning".
    """

    def __init__(self, name: str, weights: Tensor, bias: float) -> None:
        self.name, self.weights, self.bias = name, weights, bias

    def score(self, text: str) -> float:
        """The score of a text."""
        return float(self.scores([text])[0])

    def scores(self, texts: Sequence[str]) -> Tensor:
        """The scores [texts] of several texts."""
        bags = _Bags([ngrams(text, len(self.weights)) for text in texts])
        return 2.0 * torch.sigmoid(bags.times(self.weights) + self.bias) - 1.0

    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """As a reward function: the score of each text, [rows]."""
        return self.scores(texts)

    def save(self, path: Path) -> None:
        """Write it into one file, in half precision."""
        numbers = torch.cat([self.weights, torch.tensor([self.bias])])
        path.write_bytes(numbers.to(torch.float16).numpy().tobytes())

    @classmethod
    def load(cls, name: str, content: bytes) -> NgramJudge:
        """Read what `save` wrote."""
        numbers = torch.from_numpy(np.frombuffer(content, dtype=np.float16).astype(np.float32))
        return cls(name, numbers[:-1], float(numbers[-1]))


def fit_ngrams(
    name: str, texts: Sequence[str], liked: Tensor, penalty: float, places: int
) -> NgramJudge:
    r"""Learn a judge from what people said, by L-BFGS on

    $$-\sum_i \bigl(y_i \log p_i + (1 - y_i) \log (1 - p_i)\bigr) + \frac{\lambda}{2} |w|^2.$$

    Args:
        name: of the judge.
        texts: what people read.
        liked: [texts] in [0, 1], y: the share of people who liked each.
        penalty: λ.
        places: weights that there are; n-grams share them by chance.
    """
    bags = _Bags([ngrams(text, places) for text in texts])
    weights, bias = torch.zeros(places), torch.zeros(1)
    optimizer = torch.optim.LBFGS(
        [weights, bias], max_iter=_STEPS, history_size=6, line_search_fn="strong_wolfe"
    )

    def loss() -> Tensor:
        # The gradient in closed form: two sums over all n-grams, where autograd takes ten times
        # as long for the same.
        logits = bags.times(weights) + bias
        error = torch.sigmoid(logits) - liked
        weights.grad = bags.transposed_times(error, places) + penalty * weights
        bias.grad = error.sum().unsqueeze(0)
        total = F.binary_cross_entropy_with_logits(logits, liked, reduction="sum")
        return total + 0.5 * penalty * weights.square().sum()

    optimizer.step(loss)  # type: ignore[no-untyped-call]
    return NgramJudge(name, weights, float(bias))


def ngrams(text: str, places: int) -> Ids:
    """The places of a text's different words, pairs of words, and pieces of words."""
    words = _WORD.findall(plain_text(text))
    if not words:
        return np.zeros(0, dtype=np.int64)
    single = np.array([_hash(word) for word in words], dtype=np.uint64)
    pairs = single[:-1] * _MIX ^ single[1:]
    pieces = [_pieces(word) for word in set(words)]
    found = np.concatenate([single, pairs, *pieces]) % np.uint64(places)
    return np.unique(found).astype(np.int64)


class _Bags:
    """The n-grams of many texts, one after the other; each text's have length 1 together."""

    def __init__(self, found: Sequence[Ids]) -> None:
        sizes = np.array([len(ids) for ids in found])
        self._texts = len(found)
        self._ids = np.concatenate(found)
        self._rows = np.repeat(np.arange(len(found)), sizes)
        self._shares = np.repeat(1.0 / np.sqrt(np.maximum(sizes, 1)), sizes)

    def times(self, weights: Tensor) -> Tensor:
        """The sum [texts] of the weights of each text's n-grams, divided by √(their number)."""
        parts = weights.numpy()[self._ids] * self._shares
        return torch.from_numpy(np.bincount(self._rows, parts, self._texts)).float()

    def transposed_times(self, texts: Tensor, places: int) -> Tensor:
        """The same map the other way, numbers [texts] to [places], as gradients need it."""
        parts = texts.numpy()[self._rows] * self._shares
        return torch.from_numpy(np.bincount(self._ids, parts, places)).float()


@lru_cache(maxsize=200_000)
def _hash(word: str) -> int:
    return zlib.crc32(word.encode())


@lru_cache(maxsize=200_000)
def _pieces(word: str) -> NDArray[np.uint64]:
    whole = f"<{word}>"
    runs = {whole[i : i + n] for n in _PIECES for i in range(len(whole) - n + 1)}
    return np.array(sorted(zlib.crc32(f"#{run}".encode()) for run in runs), dtype=np.uint64)
