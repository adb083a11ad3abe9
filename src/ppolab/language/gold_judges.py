"""Judges by name, for those who would have another than a task's own."""

from __future__ import annotations

from collections.abc import Callable

from ppolab.errors import UnknownNameError
from ppolab.language.judges import LexiconJudge
from ppolab.language.people_judge import people_judge
from ppolab.language.rewards import RewardFunction

JUDGES: dict[str, Callable[[], RewardFunction]] = {
    "lexicon": LexiconJudge.load,
    "people": people_judge,
}


def require_judge(name: str) -> None:
    """Refuse a name that no judge has; an empty one stands for the task's own.

    Raises:
        UnknownNameError: naming those that there are.
    """
    if name and name not in JUDGES:
        raise UnknownNameError("judge", name, sorted(JUDGES))
