"""In one's own words: what the minimum is for. Not counted."""

import numpy as np

from ppolab.assessment.questions import FreeText

TITLE = "In your own words: why the minimum?"
MINUTES = 4
MISCONCEPTIONS = ("M3",)


def generate(rng: np.random.Generator) -> FreeText:
    return FreeText(
        prompt="Why does PPO take the minimum of $r_t\\hat A_t$ and its clipped twin, and not the clipped one "
        "alone? Explain it to someone who knows what a ratio and an advantage are.",
        model_answer="The clipped product alone is flat on both sides of the range. If an update has moved a "
        "sample the wrong way, such as making a bad action likelier, it would get no gradient there and the "
        "mistake would stay. The minimum takes the product that is *not* clipped whenever that is the worse of "
        "the two, which is so exactly where the ratio has gone the wrong way. So the objective stops paying for "
        "going too far in the right direction, and keeps charging for going in the wrong one: it is a "
        "pessimistic estimate.",
        rubric=(
            "It says that the clipped product alone gives no gradient outside the range",
            "It names a case in which a sample has gone the wrong way",
            "It says that the minimum keeps the gradient in that case",
            "It says that the estimate is pessimistic, a lower bound",
        ),
    )
