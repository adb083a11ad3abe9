"""Challenges: their text, drafts and attempts."""

from __future__ import annotations

from fastapi import APIRouter

from ppolab.server import challenge_views
from ppolab.server.schema import Attempt, Challenge, SaveDraft, SubmitAttempt
from ppolab.server.services import ServicesDep

router = APIRouter(prefix="/api", tags=["challenges"])


@router.get("/challenges/{slug}")
def get_challenge(slug: str, services: ServicesDep) -> Challenge:
    """A challenge with the learner's draft."""
    challenge = challenge_views.challenge(services, slug)
    services.grading.warm_up()
    return challenge


@router.put("/challenges/{slug}/draft", status_code=204)
def save_draft(slug: str, draft: SaveDraft, services: ServicesDep) -> None:
    """Keep unsent text."""
    services.course.challenge(slug)
    services.records.save_draft(slug, draft.source)


@router.post("/challenges/{slug}/attempts", status_code=202)
def submit_attempt(slug: str, submission: SubmitAttempt, services: ServicesDep) -> Attempt:
    """Submit code for grading; follow the verdict at /ws/attempts/{id}."""
    services.course.challenge(slug)
    return services.grading.submit(slug, submission.source)


@router.get("/challenges/{slug}/attempts")
def get_attempts(slug: str, services: ServicesDep) -> list[Attempt]:
    """All attempts at a challenge, newest first."""
    services.course.challenge(slug)
    return services.records.attempts(slug)


@router.get("/attempts/{attempt_id}")
def get_attempt(attempt_id: int, services: ServicesDep) -> Attempt:
    """One attempt as it stands now."""
    return services.grading.attempt(attempt_id)
