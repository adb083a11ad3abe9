"""Questions: the open variant of each, answers, and further variants."""

from __future__ import annotations

from fastapi import APIRouter

from ppolab.server import questionviews
from ppolab.server.question_schema import (
    GiveAnswer,
    GivenAnswer,
    NextVariant,
    Question,
    QuestionPage,
    TickRubric,
)
from ppolab.server.services import ServicesDep

router = APIRouter(prefix="/api", tags=["questions"])


@router.get("/chapters/{chapter}/questions")
def get_questions(chapter: str, services: ServicesDep) -> QuestionPage:
    """The questions of a chapter, each with its open variant."""
    return questionviews.page(services, chapter)


@router.get("/questions/{slug}")
def get_question(slug: str, services: ServicesDep) -> Question:
    """One question with its open variant."""
    return questionviews.view(services, services.course.question(slug))


@router.post("/questions/{slug}/answers")
def answer_question(slug: str, given: GiveAnswer, services: ServicesDep) -> GivenAnswer:
    """Answer the open variant, and be told what is right."""
    return questionviews.answer(services, slug, given)


@router.post("/questions/{slug}/next")
def next_variant(slug: str, request: NextVariant, services: ServicesDep) -> Question:
    """Another variant, once the open one is answered."""
    return questionviews.another(services, slug, request.after)


@router.post("/questions/{slug}/self-assessment")
def assess_oneself(slug: str, given: TickRubric, services: ServicesDep) -> Question:
    """Tick what of the rubric one's own text has. Not counted."""
    return questionviews.tick(services, slug, given)
