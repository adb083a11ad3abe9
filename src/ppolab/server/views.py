"""The course and the server's health as the wire knows them."""

from __future__ import annotations

from ppolab import __version__
from ppolab.course import PredictionKey, shuffled_for
from ppolab.course.model import Chapter, Item
from ppolab.course.reader import Outline
from ppolab.errors import PPOLabError
from ppolab.server.schema import (
    ChapterLink,
    CourseMap,
    Health,
    Lesson,
    LessonAddress,
    LessonLink,
    Phase,
    Prediction,
    Readiness,
)
from ppolab.server.services import Services


def course_map(services: Services) -> CourseMap:
    """The whole course with the learner's progress."""
    outline = services.course.outline()
    done = services.records.done()
    chapters = [chapter_link(chapter, done) for chapter in outline.chapters]
    links = [link for chapter in chapters for link in chapter.lessons]
    return CourseMap(
        title=outline.title,
        phases=[Phase(name=phase.name, summary=phase.summary) for phase in outline.phases],
        chapters=chapters,
        done=sum(link.done for link in links),
        total=len(links),
    )


def chapter_link(chapter: Chapter, done: set[tuple[str, str, str]]) -> ChapterLink:
    """A chapter on the map."""
    return ChapterLink(
        number=chapter.number,
        slug=chapter.slug,
        title=chapter.title,
        phase=chapter.phase,
        goals=list(chapter.goals),
        written=chapter.written,
        lessons=[
            LessonLink(
                slug=item.slug,
                title=item.title,
                minutes=item.minutes,
                kind=item.kind,
                done=(item.kind, chapter.slug, item.slug) in done,
            )
            for item in chapter.items
        ],
    )


def lesson(services: Services, chapter: str, slug: str) -> Lesson:
    """A lesson for this learner: options in an order of their own, answers only where given."""
    file = services.course.lesson(chapter, slug)
    outline = services.course.outline()
    place = outline.chapter(chapter)
    chosen = services.records.predictions(chapter, slug)
    before, after = neighbours(outline, chapter, slug)
    return Lesson(
        chapter=chapter,
        chapter_number=place.number,
        chapter_title=place.title,
        slug=slug,
        number=place.number_of(slug),
        title=file.title,
        minutes=file.minutes,
        summary=file.summary,
        blocks=shuffled_for(services.records.learner, list(file.blocks)),
        predictions={
            name: prediction(key, chosen[name])
            for name, key in file.predictions.items()
            # A prediction whose options were reworded since counts as not made.
            if chosen.get(name) in key.reasons
        },
        done=("lesson", chapter, slug) in services.records.done(),
        previous=before,
        next=after,
    )


def neighbours(
    outline: Outline, chapter: str, slug: str
) -> tuple[LessonAddress | None, LessonAddress | None]:
    """What comes before and after a lesson in the order of the course."""
    walk = outline.walk()
    place = next(
        index
        for index, (owner, item) in enumerate(walk)
        if (owner.slug, item.kind, item.slug) == (chapter, "lesson", slug)
    )
    before = address(*walk[place - 1]) if place > 0 else None
    after = address(*walk[place + 1]) if place + 1 < len(walk) else None
    return before, after


def address(chapter: Chapter, item: Item) -> LessonAddress:
    """Where an item lies."""
    return LessonAddress(chapter=chapter.slug, slug=item.slug, title=item.title, kind=item.kind)


def prediction(key: PredictionKey, chosen: str) -> Prediction:
    """An answered prediction with what is right and why."""
    return Prediction(id=key.id, chosen=chosen, correct=key.correct, reasons=key.reasons)


def health(services: Services) -> Health:
    """What works, with what, and why."""
    sandbox = services.grading.grader.isolation()
    return Health(
        status="ok" if sandbox.safe else "degraded",
        version=__version__,
        sandbox_backend=sandbox.name,
        sandbox_safe=sandbox.safe,
        sandbox_reason=sandbox.reason,
        runs_folder=str(services.settings.runs_folder),
    )


def readiness(services: Services) -> Readiness:
    """What the server still lacks before it can serve."""
    waiting: list[str] = []
    if not (services.settings.web / "index.html").is_file():
        waiting.append("the page is not built: `make run` builds it")
    try:
        services.records.done()
        services.course.outline()
    except PPOLabError as error:
        waiting.append(str(error))
    return Readiness(ready=not waiting, waiting_for=waiting)
