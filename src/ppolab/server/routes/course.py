"""The course map, lessons, progress and predictions."""

from __future__ import annotations

from fastapi import APIRouter

from ppolab.server import views
from ppolab.server.schema import (
    CourseMap,
    Lesson,
    MakePrediction,
    Prediction,
    SetProgress,
)
from ppolab.server.services import ServicesDep

router = APIRouter(prefix="/api", tags=["course"])


@router.get("/course")
def get_course(services: ServicesDep) -> CourseMap:
    """The map of the course with the learner's progress."""
    return views.course_map(services)


@router.get("/lessons/{chapter}/{slug}")
def get_lesson(chapter: str, slug: str, services: ServicesDep) -> Lesson:
    """One lesson, with the predictions that were made in it."""
    return views.lesson(services, chapter, slug)


@router.put("/lessons/{chapter}/{slug}/progress")
def set_progress(
    chapter: str, slug: str, progress: SetProgress, services: ServicesDep
) -> CourseMap:
    """Mark a lesson as done or not done."""
    services.course.lesson(chapter, slug)
    services.records.set_done("lesson", chapter, slug, progress.done)
    return views.course_map(services)


@router.post("/predictions")
def make_prediction(prediction: MakePrediction, services: ServicesDep) -> Prediction:
    """Record a prediction and tell what is right. The first answer is the one that counts."""
    lesson = services.course.lesson(prediction.chapter, prediction.lesson)
    key = lesson.prediction(prediction.id)
    key.check_option(prediction.option)
    chosen = services.records.predict(
        prediction.chapter, prediction.lesson, prediction.id, prediction.option
    )
    return views.prediction(key, chosen)
