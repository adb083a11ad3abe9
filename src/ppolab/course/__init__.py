"""The course: reads and validates content/."""

from ppolab.course.check import Finding, check_course
from ppolab.course.model import ContentError, LessonFile, PredictionKey, shuffled_for
from ppolab.course.reader import Course, Outline

__all__ = [
    "ContentError",
    "Course",
    "Finding",
    "LessonFile",
    "Outline",
    "PredictionKey",
    "check_course",
    "shuffled_for",
]
