"""A challenge as the wire knows it: hints by tries, explanations for those who have passed."""

from __future__ import annotations

from pathlib import Path

from ppolab.assessment import ChallengeFolder, call_of, show
from ppolab.course.source import source_of
from ppolab.server.schema import (
    AfterPassing,
    Challenge,
    CheckInfo,
    EngineSource,
    ExampleCase,
    Hint,
    OtherSolution,
)
from ppolab.server.services import Services


def challenge(services: Services, slug: str) -> Challenge:
    """A challenge with the learner's draft and standing; what is locked is not in it."""
    folder = services.course.challenge(slug)
    # Its folder is named by the chapter's number and slug; addresses use the slug alone.
    chapter = folder.chapter.partition("-")[2]
    solved = ("challenge", chapter, slug) in services.records.done()
    tries = services.records.count_tries(slug, folder.starter)
    return Challenge(
        slug=slug,
        title=folder.title,
        chapter=chapter,
        minutes=folder.minutes,
        prompt=services.course.text(folder.prompt, f"{slug}/prompt.md"),
        starter=folder.starter,
        kind=folder.kind,
        entry=folder.entry,
        checks=[
            CheckInfo(name=check.name, title=check.title, visible=check.visible)
            for check in folder.checks
        ],
        examples=[
            ExampleCase(name=one.name, call=call_of(folder, one), expected=show(one.expected))
            for one in folder.examples
        ],
        hints=[hint(services, folder, number, tries, solved) for number in hint_numbers(folder)],
        tries=tries,
        after=after_passing(services, folder) if solved else None,
        solved=solved,
        draft=services.records.draft(slug),
        attempts=services.records.count_attempts(slug),
    )


def hint_numbers(folder: ChallengeFolder) -> range:
    """The hints of a challenge by number, from weak to strong."""
    return range(1, len(folder.hints) + 1)


def hint(
    services: Services, folder: ChallengeFolder, number: int, tries: int, solved: bool
) -> Hint:
    """A hint: the first after one try, each further one after one more."""
    unlocked = solved or tries >= number
    text = folder.hints[number - 1]
    blocks = services.course.text(text, f"{folder.slug}/hints.md") if unlocked else None
    return Hint(number=number, after=number, blocks=blocks)


def after_passing(services: Services, folder: ChallengeFolder) -> AfterPassing:
    """The explanation, other right solutions, and the engine's own version."""
    written = {f"the usual way{folder.suffix}": folder.solution, **folder.alternatives}
    sources = [(symbol, source_of(symbol)) for symbol in folder.engine]
    return AfterPassing(
        explanation=services.course.text(folder.explanation, f"{folder.slug}/explanation.md"),
        solutions=[
            OtherSolution(name=Path(file).stem.replace("_", " "), source=source)
            for file, source in written.items()
        ],
        engine=[
            EngineSource(symbol=symbol, place=source.place, source=source.text)
            for symbol, source in sources
        ],
    )
