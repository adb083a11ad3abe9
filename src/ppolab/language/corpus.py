"""The text that comes with the course: Jane Austen's six novels, as sentences."""

from __future__ import annotations

import html
import lzma
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from ppolab.errors import InvalidSettingError
from ppolab.language.tokenizer import Tokenizer

PROMPT_TOKENS = 5  # how much of a sentence is given before the model goes on
SHORTEST_WORDS, LONGEST_WORDS = 6, 30  # of sentences to learn from
_HELD_OUT = 20  # one sentence in so many is for validation, never for training

_END_OF_SENTENCE = re.compile(r"(?<=[.!?])[\"')]?\s+")
_TITLES = re.compile(r"\b(mr|mrs|dr|st|col|capt)\.")


@dataclass(frozen=True)
class Corpus:
    """Texts for a task of continuing sentences.

    A sentence belongs to validation or to training by a checksum of its words, so that it is on
    the same side in every training, of the tokenizer and the base model too.
    """

    running: list[str]  # paragraphs of training sentences in order, for a base model
    training: list[str]  # sentences of a fitting length, each once
    validation: list[str]  # the same, never trained on

    def prompts(self, tokenizer: Tokenizer, validation: bool = False) -> list[list[int]]:
        """Beginnings of sentences: the end token, then the first `PROMPT_TOKENS` tokens.

        Sentences that would leave little to write are passed over.
        """
        sentences = self.validation if validation else self.training
        encoded = tokenizer.encode_all(sentences)
        return [
            [*tokenizer.start, *ids[:PROMPT_TOKENS]]
            for ids in encoded
            if len(ids) > 2 * PROMPT_TOKENS
        ]


@cache
def austen() -> Corpus:
    """Emma, Mansfield Park, Northanger Abbey, Persuasion, Pride and Prejudice, and Sense and
    Sensibility, in lower case."""
    packed = files("ppolab.language").joinpath("assets/austen.txt.xz").read_bytes()
    return corpus_of(lzma.decompress(packed).decode("utf8"))


def corpus_of(text: str) -> Corpus:
    """Take a text apart.

    Args:
        text: paragraphs with an empty line between them.

    Raises:
        InvalidSettingError: there is no sentence of a fitting length in it.
    """
    running: list[str] = []
    training: dict[str, None] = {}
    validation: dict[str, None] = {}
    for paragraph in re.split(r"\n\s*\n", text):
        kept: list[str] = []
        for sentence in _sentences(paragraph):
            held_out = zlib.crc32(sentence.encode()) % _HELD_OUT == 0
            if not held_out:
                kept.append(sentence)
            if _fits(sentence):
                (validation if held_out else training)[sentence] = None
        if kept:
            running.append(" ".join(kept))
    if not training or not validation:
        raise InvalidSettingError(
            "corpus", f"{len(text)} characters", "has too few whole sentences to learn from",
            f"Give text with many sentences of {SHORTEST_WORDS} to {LONGEST_WORDS} words",
        )  # fmt: skip
    return Corpus(running, list(training), list(validation))


def plain_text(text: str) -> str:
    """A text as the course's tokenizer knows texts: lower case, ASCII, single spaces."""
    plain = html.unescape(text).replace("’", "'").replace("“", '"').replace("”", '"')
    plain = re.sub(r"[_*]|\s+", " ", plain.replace("--", " - ")).encode("ascii", "ignore").decode()
    return _TITLES.sub(r"\1", re.sub(r" +", " ", plain).strip().lower())


def _sentences(paragraph: str) -> Sequence[str]:
    pieces = (piece.strip(" \"'()-") for piece in _END_OF_SENTENCE.split(plain_text(paragraph)))
    return [piece for piece in pieces if piece]


def _fits(sentence: str) -> bool:
    words = sentence.split()
    letters = sum(c.isalpha() for c in sentence)
    return (
        SHORTEST_WORDS <= len(words) <= LONGEST_WORDS
        and letters > 0.7 * len(sentence)
        and sentence[-1] in ".!?"
        and sentence.count('"') % 2 == 0
    )
