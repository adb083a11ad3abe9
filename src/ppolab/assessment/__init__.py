"""Challenges, their checks, and the grader that applies them.

What other layers use:

- `find_challenges(content_root)` and `load_challenge(folder)` read challenges;
- `grade(challenge, source, backend)` gives a verdict on a submission;
- `check_challenge(challenge, backend)` proves that a challenge's checks are worth trusting.
"""

from ppolab.assessment.challenge import (
    EXAMPLES,
    ChallengeFolder,
    CheckTitle,
    Kind,
    find_challenges,
    load_challenge,
)
from ppolab.assessment.challenge_files import Mutant
from ppolab.assessment.examples import Example, show
from ppolab.assessment.grading import MAX_SOURCE_BYTES, grade
from ppolab.assessment.outcome import CheckOutcome, Grade
from ppolab.assessment.proving import (
    Finding,
    MutationReport,
    check_challenge,
    mutation_report,
)
from ppolab.assessment.showing import call_of

__all__ = [
    "EXAMPLES",
    "MAX_SOURCE_BYTES",
    "ChallengeFolder",
    "CheckOutcome",
    "CheckTitle",
    "Example",
    "Finding",
    "Grade",
    "Kind",
    "Mutant",
    "MutationReport",
    "call_of",
    "check_challenge",
    "find_challenges",
    "grade",
    "load_challenge",
    "mutation_report",
    "show",
]
