# caught_by: code-share
# misconception: After a wrong case nothing more needs to be tried.
import copy
import re

NUMBER = re.compile(r"-?\d[\d,]*(?:\.\d+)?")


def answer_reward(response, answer):
    """1.0 if the last number of a response is the right one, else 0.0."""
    found = NUMBER.findall(response)
    if not found:
        return 0.0
    return 1.0 if float(found[-1].replace(",", "")) == answer else 0.0


def code_reward(program, cases):
    """The share of cases that the function `solve` of a program gets right."""
    namespace = {}
    try:
        exec(program, namespace)
        solve = namespace["solve"]
    except BaseException:
        return 0.0
    right = 0
    for given, expected in cases:
        try:
            if solve(copy.deepcopy(given)) != expected:
                break
            right += 1
        except BaseException:
            continue
    return right / len(cases)


def combined_reward(scores, weights):
    """Standardise each source over the batch, then add up with weights."""
    count = len(next(iter(scores.values())))
    total = [0.0] * count
    for name, values in scores.items():
        mean = sum(values) / count
        spread = (sum((value - mean) ** 2 for value in values) / count) ** 0.5
        if spread == 0:
            continue
        for i, value in enumerate(values):
            total[i] += weights.get(name, 0.0) * (value - mean) / spread
    return total
