"""Questions for one learner: the open variant, its marking, and what is told after an answer."""

from __future__ import annotations

import threading

from ppolab.assessment.questions import Question, Variant
from ppolab.course.markdown import parse_inline
from ppolab.errors import ConflictError, InvalidSettingError, UnknownNameError
from ppolab.server import question_schema as wire
from ppolab.server.answers import Answers, KeptAnswer, OpenVariant
from ppolab.server.services import Services

KIND = "question"
SELF = "self-assessment"
SETTLED = ("right", "wrong", "not counted")

# One answer to a variant counts, so two that arrive at once must not both be marked.
_marking = threading.Lock()


def page(services: Services, chapter: str) -> wire.QuestionPage:
    """The questions of a chapter. Raises UnknownNameError where it has none."""
    place = services.course.outline().chapter(chapter)
    questions = services.course.questions_of(chapter)
    if not questions:
        known = sorted({question.chapter for question in services.course.questions().values()})
        raise UnknownNameError("chapter with questions", chapter, known)
    return wire.QuestionPage(
        chapter=chapter,
        chapter_number=place.number,
        chapter_title=place.title,
        questions=[view(services, question) for question in questions],
        done=("questions", chapter, chapter) in services.records.done(),
    )


def view(services: Services, question: Question) -> wire.Question:
    """A question with its open variant."""
    answers = services.records.answers
    opened = answers.open_variant(question.slug)
    variant = question.variant(opened.seed)
    ask = variant.ask(opened.seed)
    kept = [a for a in answers.all(KIND, question.slug) if a.verdict in SETTLED]
    settled = next((answer for answer in kept if is_of(answer, opened)), None)
    where = str(question.file)
    return wire.Question(
        slug=question.slug,
        title=question.title,
        minutes=question.minutes,
        kind=ask.kind,
        counted=ask.kind != "free-text",
        number=opened.number,
        prompt=services.course.text(ask.prompt, where),
        unit=ask.unit,
        options=[
            wire.QuestionOption(id=name, children=parse_inline(text, where))
            for name, text in ask.options
        ],
        settings=[
            wire.QuestionSetting(name=name, label=label, unit=unit, start=start)
            for name, label, unit, start in ask.settings
        ],
        demands=[parse_inline(text, where) for text in ask.demands],
        outcome=outcome(services, question, variant, settled) if settled else None,
        variants_right=sum(answer.verdict == "right" for answer in kept),
        variants_answered=len(kept),
    )


def is_of(answer: KeptAnswer, variant: OpenVariant) -> bool:
    """Whether an answer is to this very variant; one from another machine may bear its number."""
    return (answer.number, answer.seed) == (variant.number, variant.seed)


def outcome(
    services: Services, question: Question, variant: Variant, kept: KeptAnswer
) -> wire.QuestionOutcome:
    """What is told once a variant is answered."""
    solution = variant.solution()
    where = str(question.file)
    ticks = [a for a in services.records.answers.all(SELF, question.slug) if a.seed == kept.seed]
    return wire.QuestionOutcome.model_validate(
        {
            "answer": kept.answer,
            "verdict": kept.verdict,
            "words": kept.words,
            "correct": solution.answer,
            "reasons": {name: parse_inline(t, where) for name, t in solution.reasons.items()},
            "explanation": services.course.text(solution.explanation, where),
            "rubric": list(solution.rubric),
            "ticked": [int(tick) for tick in ticks[-1].answer] if ticks else None,
        }
    )


def answer(services: Services, slug: str, given: wire.GiveAnswer) -> wire.GivenAnswer:
    """Mark an answer and keep it. Raises ConflictError where the variant is not open any more."""
    question = services.course.question(slug)
    answers = services.records.answers
    with _marking:
        opened = answers.open_variant(slug)
        if given.number != opened.number or answered(answers, slug, opened):
            raise ConflictError(
                "variant",
                given.number,
                "is answered already, and the first answer is the one that counts",
                "Open the question again, or ask for another variant.",
            )
        mark = question.variant(opened.seed).mark(given.answer)
        answers.keep(KIND, slug, given.answer, mark.verdict, mark.words, opened)
    return wire.GivenAnswer(
        question=view(services, question),
        invalid=mark.words if mark.verdict == "invalid" else None,
        chapter_done=settle_chapter(services, question.chapter),
    )


def answered(answers: Answers, slug: str, opened: OpenVariant) -> bool:
    """Whether the open variant has an answer that was marked."""
    return any(is_of(a, opened) and a.verdict in SETTLED for a in answers.all(KIND, slug))


def another(services: Services, slug: str, after: int) -> wire.Question:
    """Open the next variant. Raises ConflictError where the present one is not answered."""
    question = services.course.question(slug)
    answers = services.records.answers
    opened = answers.open_variant(slug)
    if opened.number == after and not answered(answers, slug, opened):
        raise ConflictError(
            "variant", after, "is not answered yet", "Answer it; another one like it comes then."
        )
    answers.next_variant(slug, after)
    return view(services, question)


def tick(services: Services, slug: str, given: wire.TickRubric) -> wire.Question:
    """Keep which points of the rubric the learner finds in their own text."""
    question = services.course.question(slug)
    opened = services.records.answers.open_variant(slug)
    shown = view(services, question)
    if shown.outcome is None or given.number != opened.number or shown.counted:
        raise ConflictError(
            "self-assessment", slug, "has no text to be about", "Write your own text first."
        )
    if any(not 0 <= point < len(shown.outcome.rubric) for point in given.ticked):
        raise InvalidSettingError(
            "ticked",
            given.ticked,
            "names a point that the rubric does not have",
            f"Points go from 0 to {len(shown.outcome.rubric) - 1}.",
        )
    ticks = [str(point) for point in sorted(set(given.ticked))]
    services.records.answers.keep(SELF, slug, ticks, "not counted", "", opened)
    return view(services, question)


def settle_chapter(services: Services, chapter: str) -> bool:
    """Mark a chapter's questions as done once each that counts was answered rightly."""
    right = {a.item for a in services.records.answers.all(KIND) if a.verdict == "right"}
    counting = [q.slug for q in services.course.questions_of(chapter) if counts(q)]
    done = bool(counting) and right.issuperset(counting)
    if done:
        services.records.set_done("questions", chapter, chapter, True)
    return done


def counts(question: Question) -> bool:
    """Whether a question counts; free text does not."""
    return question.variant(0).ask(0).kind != "free-text"
