"""A sequence classifier with one output as a reward."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from ppolab.errors import InvalidSettingError
from ppolab.language.custom_rewards import PromptBook
from ppolab.language.generation import Samples
from ppolab.language.huggingface.loading import best_device, load_tokenizer, pretrained

_ROWS_AT_ONCE = 16


class ClassifierReward:
    """Scores texts by what `AutoModelForSequenceClassification` makes of them.

    The classifier reads with a tokenizer of its own, so that it need not be of the policy's kind.

    Args:
        named: folder or id of a model with one output.
        book: tells prompts and responses apart, for classifiers with a chat template.

    Raises:
        InvalidSettingError: the model has not one output but several classes.
    """

    def __init__(self, named: str, book: PromptBook) -> None:
        self.name = named
        self._book = book
        self._model = pretrained("AutoModelForSequenceClassification", named).eval()
        self._tokenizer = load_tokenizer(named)
        labels = self._model.config.num_labels
        if labels != 1:
            raise InvalidSettingError(
                "reward", named, f"has {labels} outputs",
                "Give a classifier with one (num_labels=1), or a function that says which counts",
            )  # fmt: skip
        backing = self._tokenizer.backing
        if backing.pad_token is None:
            backing.pad_token = backing.eos_token
        backing.padding_side = "right"
        self._model.config.pad_token_id = backing.pad_token_id
        self._model.to(best_device())

    @torch.no_grad()
    def __call__(self, samples: Samples, texts: Sequence[str]) -> Tensor:
        """Score each row, [rows]."""
        if self._tokenizer.chats:
            rows = self._book.rows(samples)
            texts = [self._tokenizer.conversation(r["prompt"], r["response"]) for r in rows]
        scores = []
        for start in range(0, len(texts), _ROWS_AT_ONCE):
            read = self._tokenizer.backing(
                list(texts[start : start + _ROWS_AT_ONCE]), padding=True, truncation=True,
                return_tensors="pt", add_special_tokens=not self._tokenizer.chats,
            )  # fmt: skip
            scores.append(self._model(**read.to(self._model.device)).logits[:, 0].float())
        return torch.cat(scores)
