"""Text to token ids and back: byte-level BPE, so that no text is ever unknown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from tokenizers import Tokenizer as BackingTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from ppolab.errors import StorageError

END = "<eos>"  # ends a response, and stands before the first token of a text


class Tokenizer:
    """A byte-level BPE (Sennrich et al. 2016; Radford et al. 2019).

    Example:
        >>> tokenizer = Tokenizer.train(["she was very happy."] * 9, vocabulary=300)
        >>> tokenizer.decode(tokenizer.encode("she was happy."))
        'she was happy.'
    """

    def __init__(self, backing: BackingTokenizer) -> None:
        self._backing = backing
        end = backing.token_to_id(END)
        assert end is not None
        self.end: int = end
        self.start: list[int] = [end]  # what stands before the first token of a text
        self.vocabulary: int = backing.get_vocab_size()

    @classmethod
    def train(cls, texts: Iterable[str], vocabulary: int) -> Tokenizer:
        """Learn the merges that shorten these texts most."""
        backing = BackingTokenizer(models.BPE())
        backing.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=True)
        backing.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocabulary,
            special_tokens=[END],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        )
        backing.train_from_iterator(texts, trainer)
        return cls(backing)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Read a file that `save` wrote.

        Raises:
            StorageError: there is none, or it is not a tokenizer.
        """
        try:
            return cls(BackingTokenizer.from_file(str(path)))
        except Exception as error:  # the library raises plain Exception
            raise StorageError(
                "tokenizer", str(path), f"cannot be read ({error})", "Give a tokenizer.json"
            ) from error

    def save(self, path: Path) -> None:
        """Write everything into one JSON file."""
        self._backing.save(str(path))

    def encode(self, text: str) -> list[int]:
        """Token ids of a text, without an end-of-sequence token."""
        ids: list[int] = self._backing.encode(text, add_special_tokens=False).ids
        return ids

    def encode_all(self, texts: Sequence[str]) -> list[list[int]]:
        """Token ids of many texts, on all cores."""
        encoded = self._backing.encode_batch(list(texts), add_special_tokens=False)
        return [item.ids for item in encoded]

    def prompt(self, text: str) -> list[int]:
        """Token ids of a prompt, as a model expects to be given it."""
        return [*self.start, *self.encode(text)]

    def answer(self, text: str) -> list[int]:
        """Token ids of what comes after a prompt, without an end-of-sequence token."""
        return self.encode(text.strip())

    def decode(self, ids: Sequence[int]) -> str:
        """The text, without end-of-sequence tokens."""
        text: str = self._backing.decode([i for i in ids if i != self.end])
        return text.removeprefix(" ")

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """Each token's own text, for showing where one ends and the next begins."""
        return [END if i == self.end else self._backing.decode([i]) for i in ids]
