"""Sums with a reward that can be checked: the answer is right, or it is not.

No text is needed and no rater, for a rule knows every answer. Digits are tokens, so that carrying
over is what has to be learnt, not the names of numbers. The model begins with random weights;
fine-tuning leaves it adding well and not surely, and reinforcement makes it surer.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from functools import cached_property

import torch
from tokenizers import Regex, decoders, models, normalizers, pre_tokenizers
from tokenizers import Tokenizer as BackingTokenizer

from ppolab.language.custom_rewards import FunctionReward, PromptBook
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.sft import Example
from ppolab.language.tokenizer import END, Tokenizer

_ALPHABET = "0123456789+="
_HELD_OUT = 20  # one sum in so many is for validation, never for training
_CONTEXT = 48  # tokens: the longest sum, and an answer that does not know when to stop
_SUM = re.compile(r"(\d+)\+(\d+)=")
_SEED = 1  # of the sums, and of the model before fine-tuning


@dataclass(frozen=True)
class ArithmeticTask:
    """Sums of two numbers below 10^digits, with the same parts as a `Task`.

    A sum is held out by a checksum of its two numbers whatever their order, so that neither 3+58
    nor 58+3 is trained on where one of them is measured.
    """

    name: str
    title: str
    description: str
    digits: int  # of each number at most
    training_sums: int
    validation_sums: int
    longest: int = _CONTEXT  # tokens of an example at most
    own_tokenizer: Tokenizer | None = None  # of another model than the task's

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """One token for each character."""
        return self.own_tokenizer or digit_tokenizer()

    @cached_property
    def gold(self) -> FunctionReward:
        """1 for the right sum and nothing else, 0 for anything else."""
        return FunctionReward("right sum", is_right_sum, PromptBook(self.tokenizer))

    def base_model(self) -> GPT:
        """A model that knows nothing yet: what English can teach is no help in adding."""
        return GPT(GPTConfig(self.tokenizer.vocabulary, _CONTEXT), _SEED)

    def examples(self, validation: bool = False) -> list[Example]:
        """Sums with their answers; only answers are learnt."""
        found = []
        for a, b in self._sums(validation):
            given = self.tokenizer.prompt(f"{a}+{b}=")
            tokens = [*given, *self.tokenizer.answer(str(a + b)), self.tokenizer.end]
            found.append(Example(tokens, len(given)))
        return found

    def prompts(self, validation: bool = False) -> list[list[int]]:
        """Sums without their answers."""
        return [self.tokenizer.prompt(f"{a}+{b}=") for a, b in self._sums(validation)]

    def _sums(self, validation: bool) -> list[tuple[int, int]]:
        count = self.validation_sums if validation else self.training_sums
        generator = torch.Generator().manual_seed(_SEED)
        found: dict[tuple[int, int], None] = {}
        while len(found) < count:
            drawn = torch.randint(10**self.digits, (4096, 2), generator=generator).tolist()
            fitting = ((a, b) for a, b in drawn if is_held_out(a, b) == validation)
            found.update(dict.fromkeys(fitting))
        return list(found)[:count]


def is_held_out(a: int, b: int) -> bool:
    """Whether a sum is for validation."""
    return zlib.crc32(f"{min(a, b)}+{max(a, b)}".encode()) % _HELD_OUT == 0


def is_right_sum(prompt: str, response: str) -> float:
    """1 if the response is the sum that the prompt asks for, written as numbers are; else 0.

    Of a prompt with several sums the last counts; around it may stand what a chat template adds.
    """
    asked = _SUM.findall(prompt)
    return float(bool(asked) and response.strip() == str(sum(map(int, asked[-1]))))


def digit_tokenizer() -> Tokenizer:
    """A tokenizer of ten digits, plus and equals, each a token; whatever else is left out."""
    vocabulary = {symbol: i for i, symbol in enumerate([END, *_ALPHABET])}
    backing = BackingTokenizer(models.WordLevel(vocabulary))
    backing.add_special_tokens([END])
    backing.normalizer = normalizers.Replace(Regex(f"[^{_ALPHABET}]"), "")
    backing.pre_tokenizer = pre_tokenizers.Split(Regex("."), "isolated")
    backing.decoder = decoders.Fuse()
    return Tokenizer(backing)
