"""Tokenizers of `transformers` behind our interface, chat templates included."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ppolab.errors import UnavailableError
from ppolab.language.tokenizer import Tokenizer


class HuggingFaceTokenizer(Tokenizer):
    """Wraps what `AutoTokenizer` makes.

    Many models pad with their end-of-sequence token. That does no harm here: what is padding is
    told by lengths, never by the token, so that the end of a response is learnt and scored.

    Raises:
        UnavailableError: the tokenizer has no end-of-sequence token, so that no response could end.
    """

    def __init__(self, backing: Any) -> None:
        if backing.eos_token_id is None:
            raise UnavailableError(
                "tokenizer", backing.name_or_path, "has no end-of-sequence token",
                "Set eos_token in its tokenizer_config.json",
            )  # fmt: skip
        self.backing = backing
        self.end = backing.eos_token_id
        self.vocabulary = len(backing)
        begin = backing.bos_token_id
        self.start = [] if begin is None else [begin]

    @property
    def chats(self) -> bool:
        """Whether prompts are turns of a conversation."""
        return bool(self.backing.chat_template)

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without special tokens around it."""
        ids: list[int] = self.backing(text, add_special_tokens=False)["input_ids"]
        return ids

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of many texts."""
        if not texts:
            return []
        ids: list[list[int]] = self.backing(list(texts), add_special_tokens=False)["input_ids"]
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text, without special tokens."""
        text: str = self.backing.decode(list(ids), skip_special_tokens=True)
        return text

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each token's own text, special ones by their names."""
        return [self.backing.decode([i]) for i in ids]

    def prompt(self, text: str) -> list[int]:
        """A prompt as the model was taught to expect it: by its chat template, if it has one."""
        if not self.chats:
            # A model without a first token of its own must still have one to go on from.
            return [*self.start, *self.encode(text)] or [self.end]
        turns = [{"role": "user", "content": text}]
        rendered = self.backing.apply_chat_template(
            turns, add_generation_prompt=True, tokenize=False
        )
        return self.encode(rendered)

    def answer(self, text: str) -> list[int]:
        """What comes after a prompt: as it stands in a chat, else after a space."""
        if self.chats:
            return self.encode(text.strip())
        return self.encode(text if text[:1].isspace() else f" {text}")

    def conversation(self, prompt: str, response: str) -> str:
        """Prompt and response as one text, for a classifier to read."""
        if not self.chats:
            return f"{prompt}{response}"
        turns = [{"role": "user", "content": prompt}, {"role": "assistant", "content": response}]
        text: str = self.backing.apply_chat_template(turns, tokenize=False)
        return text
