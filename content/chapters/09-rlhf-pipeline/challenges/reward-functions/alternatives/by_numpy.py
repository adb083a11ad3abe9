"""The same with other tools: splitting into words, a set of outcomes, NumPy."""

import copy

import numpy as np


def answer_reward(response, answer):
    kept = "".join(c if c.isdigit() or c in "-.," else " " for c in response)
    for word in reversed(kept.split()):
        word = word.rstrip(".,").replace(",", "")
        try:
            return float(float(word) == answer)
        except ValueError:
            continue
    return 0.0


def code_reward(program, cases):
    def outcome(solve, given, expected):
        try:
            return 1.0 if solve(copy.deepcopy(given)) == expected else 0.0
        except BaseException:
            return 0.0

    own = {"__name__": "program"}
    try:
        exec(compile(program, "program", "exec"), own)
    except BaseException:
        return 0.0
    if "solve" not in own:
        return 0.0
    return float(np.mean([outcome(own["solve"], given, wanted) for given, wanted in cases]))


def combined_reward(scores, weights):
    names = [name for name in scores if weights.get(name)]
    if not names:
        return [0.0] * len(next(iter(scores.values())))
    table = np.array([scores[name] for name in names])
    same = np.ptp(table, axis=1, keepdims=True) == 0
    spread = np.where(same, 1.0, table.std(axis=1, keepdims=True))
    centred = np.where(same, 0.0, table - table.mean(axis=1, keepdims=True))
    return (np.array([weights[name] for name in names]) @ (centred / spread)).tolist()
