"""Challenges, their checks, and the grader that applies them.

What other layers use:

- `find_challenges(content_root)` and `load_challenge(folder)` read challenges;
- `grade(challenge, source, backend)` gives a verdict on a submission;
- `check_challenge(challenge, backend)` proves that a challenge's checks are worth trusting.
"""

from ppolab.assessment.challenge import (
    ChallengeFolder,
    CheckTitle,
    Mutant,
    find_challenges,
    load_challenge,
)
from ppolab.assessment.grading import MAX_SOURCE_BYTES, CheckOutcome, Grade, grade
from ppolab.assessment.proving import Finding, check_challenge

__all__ = [
    "MAX_SOURCE_BYTES",
    "ChallengeFolder",
    "CheckOutcome",
    "CheckTitle",
    "Finding",
    "Grade",
    "Mutant",
    "check_challenge",
    "find_challenges",
    "grade",
    "load_challenge",
]
