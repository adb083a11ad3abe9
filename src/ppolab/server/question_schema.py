"""What crosses the wire about questions. What is right travels only with a variant's outcome."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from ppolab.course.ast import Block, Inline, Message

Text = Annotated[str, Field(max_length=8000)]
AnswerValue = Text | Annotated[list[Text], Field(max_length=64)] | dict[str, Text]


class QuestionOption(Message):
    """An option to choose, or an item to order."""

    id: str
    children: list[Inline]


class QuestionSetting(Message):
    """A setting to fill in."""

    name: str
    label: str
    unit: str
    start: str


class QuestionOutcome(Message):
    """How a variant was answered, what is right, and why."""

    answer: AnswerValue
    verdict: Literal["right", "wrong", "not counted"]
    words: str
    correct: AnswerValue
    reasons: dict[str, list[Inline]]  # by option
    explanation: list[Block]
    rubric: list[str]  # of a free text, to assess oneself by
    ticked: list[int] | None  # of the rubric; None before the learner has


class Question(Message):
    """The open variant of a question."""

    slug: str
    title: str
    minutes: int
    kind: Literal["numeric", "choice", "ordering", "prediction", "configuration", "free-text"]
    counted: bool
    number: int  # of the variant, from 1
    prompt: list[Block]
    unit: str
    options: list[QuestionOption]
    settings: list[QuestionSetting]
    demands: list[list[Inline]]
    outcome: QuestionOutcome | None  # once this variant is answered
    variants_right: int
    variants_answered: int


class QuestionPage(Message):
    """The questions of a chapter."""

    chapter: str
    chapter_number: int
    chapter_title: str
    questions: list[Question]
    done: bool  # each that counts was answered rightly at least once


class GiveAnswer(Message):
    """Answer the open variant. The first answer that can be read is the one that counts."""

    number: int  # of the variant that is answered
    answer: AnswerValue


class GivenAnswer(Message):
    """The question after an answer; `invalid` says why an answer could not be read, if so."""

    question: Question
    invalid: str | None
    chapter_done: bool


class NextVariant(Message):
    """Ask for the variant after an answered one."""

    after: int


class TickRubric(Message):
    """Say which points of the rubric one's own text has."""

    number: int
    ticked: Annotated[list[int], Field(max_length=20)]


for _model in (QuestionOption, QuestionOutcome, Question, QuestionPage, GivenAnswer):
    _model.model_rebuild()
