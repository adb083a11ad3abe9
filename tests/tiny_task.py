"""A task with all its data in a few lines, on which the three stages take a second."""

from __future__ import annotations

import dataclasses

import pytest

from ppolab.language import tasks
from ppolab.language.corpus import corpus_of
from ppolab.language.gpt import GPT, GPTConfig
from ppolab.language.judges import LexiconJudge
from ppolab.language.tokenizer import Tokenizer

PEOPLE = ("anne", "emma", "john", "lucy", "mary", "tom")
MOODS = ("happy", "sad", "glad", "angry", "calm", "afraid")
TEXT = "\n\n".join(
    f"{person} was so very {mood} on that day in {month} of the year."
    for person in PEOPLE
    for mood in MOODS
    for month in ("may", "june", "july", "march")
)


@dataclasses.dataclass(frozen=True)
class TinyTask(tasks.Task):
    """A task whose language has forty words."""

    @property
    def tokenizer(self) -> Tokenizer:  # type: ignore[override]
        return Tokenizer.train(self.corpus.running, 340)

    def base_model(self) -> GPT:
        return GPT(GPTConfig(self.tokenizer.vocabulary, 40, 1, 2, 16), seed=3)


@pytest.fixture(autouse=True)
def tiny_task(monkeypatch: pytest.MonkeyPatch) -> None:
    task = TinyTask("tiny", "Tiny", "", lambda: corpus_of(TEXT), LexiconJudge.load, 40)
    monkeypatch.setitem(tasks.TASKS, "tiny", task)
