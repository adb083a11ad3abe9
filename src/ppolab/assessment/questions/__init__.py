"""Questions: seeded variants that mark themselves, and prove that they mark rightly.

What other layers use:

- `find_questions(content_root)` and `load_question(file)` read questions;
- `question.variant(seed)` draws the variant of that seed, which can be asked and marked;
- `check_question(question)` proves that right, wrong and invalid answers are told apart.
"""

from ppolab.assessment.questions.choices import Choice, Option, Ordering, Outcome, Prediction
from ppolab.assessment.questions.folder import Question, find_questions, load_question
from ppolab.assessment.questions.numbers import Belief, Numeric, read_number
from ppolab.assessment.questions.proving import check_question
from ppolab.assessment.questions.settings import Configuration, Demand, Setting
from ppolab.assessment.questions.variant import (
    Answer,
    Ask,
    Examples,
    FreeText,
    Mark,
    Solution,
    Variant,
)

__all__ = [
    "Answer",
    "Ask",
    "Belief",
    "Choice",
    "Configuration",
    "Demand",
    "Examples",
    "FreeText",
    "Mark",
    "Numeric",
    "Option",
    "Ordering",
    "Outcome",
    "Prediction",
    "Question",
    "Setting",
    "Solution",
    "Variant",
    "check_question",
    "find_questions",
    "load_question",
    "read_number",
]
