from __future__ import annotations

import math
import time

import numpy as np
import pytest
import torch

from ppolab.algorithms.advantages import generalized_advantages
from ppolab.assessment.derivations import (
    WORLDS,
    Chain,
    Form,
    LineError,
    Mistake,
    check_chain,
    parse,
    prove_chain,
    tex_of,
)
from ppolab.assessment.derivations.evaluation import evaluate
from ppolab.assessment.derivations.lines import draw_groups

BANDIT, MDP, EPISODE, PAIR = (WORLDS[name] for name in ("bandit", "mdp", "episode", "pair"))


def value(line: str, world=PAIR, size: int | None = None, **params) -> float:
    """A line's value on one case, whose other parameters are drawn."""
    size = size or world.sizes[0]
    drawn = world.draw(np.random.default_rng(0), size, 1)
    drawn |= {name: np.asarray(given, dtype=float)[None] for name, given in params.items()}
    return float(evaluate(parse(line), world.scope(drawn, size))[0])


# ------------------------------------------------------------------------------------ language


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("1 + 2*3", 7),
        ("2*3 - 4 - 5", -3),
        ("8/4/2", 1),
        ("2^3^2", 512),
        ("-2^2", -4),
        ("2^-1", 0.5),
        ("-(1 - 3)*.5", 1),
        ("2**3 × 4 ÷ 2 − 1", 15),
        ("{[(1)]} + ln(exp(2))", 3),
    ],
)
def test_lines_mean_what_they_mean_on_paper(line, expected):
    assert value(line) == pytest.approx(expected, rel=1e-15)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("__import__('os').system('id')", "not part of the language"),
        ("u_w.real", "not part of the language"),
        ("u_w; u_l", "not part of the language"),
        ("(lambda: 1)()", "not part of the language"),
        ("u_w = 3", "not part of the language"),
        ("'text'", "not part of the language"),
        ("2 u_w", "a sign is missing"),
        ("(u_w + 1", "Expected ')'"),
        ("u_w)", "closes nothing"),
        ("u_w +", "ends where"),
        ("* 2", "is due before '*'"),
        ("", "ends where"),
        ("1+" * 250 + "1", "at most 400"),
        ("(" * 60 + "1" + ")" * 60, "nested more than 24 deep"),
        ("-" * 60 + "1", "nested more than 24 deep"),
        ("2^" * 60 + "1", "nested more than 24 deep"),
        ("1" + "+1" * 130, "over 240 parts"),
    ],
)
def test_what_is_no_line_is_answered_with_words(line, words):
    with pytest.raises(
        LineError, match=words.replace("(", r"\(").replace(")", r"\)").replace("*", r"\*")
    ):
        parse(line)


@pytest.mark.parametrize(
    ("line", "world", "words"),
    [
        ("eval(1)", PAIR, "'eval' is not known here"),
        ("u_w(2)", PAIR, "u_w is no function"),
        ("exp", PAIR, "needs something in parentheses"),
        ("exp(1, 2)", PAIR, "exp takes 1 argument, not 2"),
        ("grad(grad(u_w))", PAIR, "gradient within a gradient"),
        ("integral(x, integral(y, x*y))", PAIR, "integral within an integral"),
        ("integral(u_w, 1)", PAIR, "has a meaning already"),
        ("pi*A", BANDIT, "still depends on the action a"),
        ("pi1*A1", MDP, "the state in between and the second action"),
        ("V", EPISODE, "V needs an index"),
        ("V(T+1)", EPISODE, r"V\(2\) does not exist where T = 1"),
        ("V(1/2)", EPISODE, "must be a whole number"),
        ("sum(k, 0, 99, k)", EPISODE, "over 32 terms"),
        ("sum(a,0,31,sum(b,0,31,sum(c,0,31,1)))", EPISODE, "too much work"),
        ("sum(3, 0, 1, 1)", EPISODE, "begins with its letter"),
    ],
)
def test_lines_without_a_value_say_why(line, world, words):
    with pytest.raises(LineError, match=words):
        value(line, world)


def test_no_line_within_the_limits_takes_long():
    worst = "sum(a,0,31,sum(b,0,31,a*b*lam^a*gamma^b+lam^(a+b)))"
    started = time.process_time()
    chain = Chain("", "0", "1", Form(""))
    check_chain(EPISODE, chain, [worst], 1)
    check_chain(PAIR, chain, ["integral(x, " + "+".join(["density(x)"] * 55) + ")"], 1)
    assert time.process_time() - started < 20  # a hundred times what it takes; endless is over it


# -------------------------------------------------------------------------------------- worlds


def test_the_gradient_of_the_two_step_return_is_what_autograd_says():
    rng = np.random.default_rng(5)
    params = MDP.draw(rng, 3, 1)
    logits0 = torch.tensor(np.log(params["weights0"][0]), requires_grad=True)
    logits1 = torch.tensor(np.log(params["weights1"][0]), requires_grad=True)
    p = torch.tensor(params["moves"][0] / params["moves"][0].sum(-1, keepdims=True))
    r0, r1 = torch.tensor(params["r0"][0]), torch.tensor(params["r1"][0])
    worth = r0 + float(params["gamma"][0, 0]) * p @ (logits1.softmax(-1) * r1).sum(-1)
    (logits0.softmax(-1) * worth).sum().backward()
    along = (logits0.grad * torch.tensor(params["direction0"][0])).sum() + (
        logits1.grad * torch.tensor(params["direction1"][0])
    ).sum()
    line = parse("grad(E(r0 + gamma*r1))")
    assert float(evaluate(line, MDP.scope(params, 3))[0]) == pytest.approx(float(along), rel=1e-12)


def test_the_mix_of_n_step_advantages_is_the_engines_gae():
    params = EPISODE.draw(np.random.default_rng(2), 5, 1)
    mix = "(1-lam)*sum(n,1,T-1,lam^(n-1)*A(n)) + lam^(T-1)*A(T)"
    ours = float(evaluate(parse(mix), EPISODE.scope(params, 5))[0])
    v = torch.tensor(params["V"][0])
    engine = generalized_advantages(
        rewards=torch.tensor(params["r"][0])[:, None],
        values=v[:5, None],
        last_values=v[5:],
        dones=torch.zeros(5, 1, dtype=torch.float64),
        gamma=float(params["gamma"][0, 0]),
        gae_lambda=float(params["lam"][0, 0]),
    )
    assert ours == pytest.approx(float(engine[0, 0]), rel=1e-12)


def test_the_judges_noise_prefers_with_the_sigmoid_of_the_difference():
    line = "integral(x, density(x - u_w)*below(x - u_l))"
    for u_w, u_l in [(0.0, 0.0), (3.0, -3.0), (-2.5, 1.0)]:
        expected = 1 / (1 + math.exp(u_l - u_w))
        assert value(line, u_w=[u_w], u_l=[u_l]) == pytest.approx(expected, rel=1e-11)


def test_a_bandit_by_hand():
    # π = ¼, ¾; π_old = ½, ½; Q = 2, −2, so V = 0 and A = Q; r = ½, 3/2; ε = ¼.
    known = {"weights": [1, 3], "old": [1, 1], "Q": [2, -2], "direction": [1, 0], "eps": [0.25]}

    def at(line: str) -> float:
        return value(line, BANDIT, **known)

    assert at("E(Q)") == pytest.approx(-1)
    assert at("E_old(Q)") == pytest.approx(0)
    assert at("E_old(r*A)") == pytest.approx(-1)
    # min(½·2, ¾·2) = 1 and min(3/2·−2, 5/4·−2) = −3.
    assert at("E_old(min(r*A, clip(r, 1-eps, 1+eps)*A))") == pytest.approx(-1)
    # ∂π/∂θ along (1, 0) is ¼·¾ and its negative.
    assert at("grad(E(Q))") == pytest.approx(2 * 3 / 16 + 2 * 3 / 16)
    assert at("sum(1)") == pytest.approx(2)
    assert at("E(3)") == pytest.approx(3)


@pytest.mark.parametrize(
    "line",
    ["exp(u_w*u_l)", "log(1+u_w^2)", "sigmoid(u_w/(2+u_l^2))", "u_w^3 - u_l", "-(u_w - 2)*u_l"],
)
def test_gradients_agree_with_finite_differences(line):
    params = {"u_w": [0.7], "u_l": [-0.4], "slope_u_w": [1.5], "slope_u_l": [-0.5]}
    h = 1e-6
    up, down = (
        value(line, **{**params, "u_w": [0.7 + s * h * 1.5], "u_l": [-0.4 - s * h * 0.5]})
        for s in (1, -1)
    )
    assert value(f"grad({line})", **params) == pytest.approx((up - down) / (2 * h), rel=1e-7)


def test_cases_come_smallest_first_and_are_two_hundred():
    for world in WORLDS.values():
        groups = draw_groups(world, 1)
        assert [size for size, _, _ in groups] == sorted(world.sizes)
        assert 200 <= sum(len(next(iter(p.values()))) for _, p, _ in groups) <= 205


# -------------------------------------------------------------------------------------- chains

LOSS = Chain(
    name="loss",
    start="grad(-log(sigmoid(u_w - u_l)))",
    target="-(1 - sigmoid(u_w - u_l))*(grad(u_w) - grad(u_l))",
    form=Form("", frozenset({"sigmoid"}), frozenset({"log"}), "symbols"),
    mistakes=(Mistake("sigmoid(u_w - u_l)*(grad(u_w) - grad(u_l))", "You took the other factor."),),
)
GAIN = Chain(
    name="gain",
    start="E(A)",
    target="E_old(min(r*A, clip(r, 1-eps, 1+eps)*A))",
    form=Form("", frozenset({"E_old", "min"}), frozenset({"E"})),
    relations=("=", ">=", "<="),
)


def test_the_first_wrong_line_is_named_and_what_comes_after_is_not_checked():
    lines = [
        "-(1 - sigmoid(u_w - u_l))*grad(u_w - u_l)",
        "(1 - sigmoid(u_w - u_l))*grad(u_w - u_l)",
        "nonsense",
    ]
    verdict = check_chain(PAIR, LOSS, lines, 1)
    assert [line.status for line in verdict.lines] == ["right", "wrong", "not checked"]
    assert verdict.words == "Line 2: This is not equal to the line before."
    assert not verdict.reached


def test_the_counter_example_is_small_and_its_numbers_are_right():
    chain = Chain("", "sigmoid(u_w - u_l)", "1", Form(""))
    (line,) = check_chain(PAIR, chain, ["sigmoid(u_l - u_w)"], 4).lines
    example = line.example
    quantities = dict(example.quantities)
    assert sorted((quantities["u_w"], quantities["u_l"])) in (["0", "1"], ["0", "−1"])
    u_w, u_l = (float(quantities[name].replace("−", "-")) for name in ("u_w", "u_l"))
    assert float(example.before) == pytest.approx(1 / (1 + math.exp(u_l - u_w)), abs=5e-5)
    assert float(example.line) == pytest.approx(1 / (1 + math.exp(u_w - u_l)), abs=5e-5)
    (line,) = check_chain(BANDIT, GAIN, ["E_old(A)"], 4).lines
    assert line.example.size == "2 actions"
    (line,) = check_chain(EPISODE, Chain("", "delta(0)", "1", Form("")), ["r(0)-V(0)"], 4).lines
    assert line.example.size == "T = 1"


def test_a_known_wrong_idea_is_answered_by_name():
    line = "(1 - sigmoid(u_l - u_w))*(grad(u_w) - grad(u_l))"
    verdict = check_chain(PAIR, LOSS, [line], 1)
    assert verdict.lines[0].words == "You took the other factor."


def test_a_line_without_a_value_somewhere_does_not_follow():
    chain = Chain("", "u_w", "1", Form(""))
    (line,) = check_chain(PAIR, chain, ["u_w*u_l/u_l"], 1).lines
    assert line.status == "wrong"
    assert dict(line.example.quantities)["u_l"] == "0"


def test_every_line_may_hold_without_the_goal_being_there():
    verdict = check_chain(PAIR, LOSS, ["-(1 - sigmoid(u_w - u_l))*grad(u_w - u_l)"], 1)
    assert verdict.lines[0].status == "right"
    assert not verdict.reached
    assert "a gradient in it is still that of an expression" in verdict.words
    assert not check_chain(PAIR, LOSS, ["", "  "], 1).reached


def test_a_goal_with_more_sums_than_needed_is_not_there_yet():
    form = Form("", frozenset({"delta"}), frozenset(), sums=1)
    goal = "sum(k, 0, T-1, (gamma*lam)^k*delta(k))"
    chain = Chain("", "delta(0) + sum(k, 1, T-1, (gamma*lam)^k*delta(k))", goal, form)
    two = "sum(k, 0, 0, delta(k)) + sum(k, 1, T-1, (gamma*lam)^k*delta(k))"
    assert "more sums than it needs" in check_chain(EPISODE, chain, [two], 1).words
    assert check_chain(EPISODE, chain, [two, goal], 1).reached


def test_inequalities_hold_point_one_way_and_may_not_give_away_too_much():
    exact, clipped = "E_old(r*A)", "E_old(min(r*A, clip(r, 1-eps, 1+eps)*A))"

    def words(*lines: str) -> str:
        return check_chain(BANDIT, GAIN, list(lines), 1).words

    assert words(exact, f">= {clipped}").endswith("the last one is the goal.")
    assert words(f"≥{clipped}").endswith("the last one is the goal.")
    assert words(exact, clipped) == "Line 2: This is not equal to the line before."
    assert words(f"<= {clipped}").startswith("Line 1: The line before should be at most this")
    assert "gave away too much" in words(f">= {clipped} - 1")
    assert "all point the same way" in words(f">= {clipped} - 1", f"<= {clipped}")
    plain = check_chain(PAIR, LOSS, [">= 0"], 1)
    assert plain.words == "Line 1: A line begins with =."


def test_verdicts_do_not_depend_on_the_seed():
    for seed in range(20):
        assert check_chain(PAIR, LOSS, [LOSS.target], seed).reached
        assert not check_chain(PAIR, LOSS, [f"{LOSS.target}*1.000001"], seed).reached


def test_too_many_lines_are_told():
    verdict = check_chain(PAIR, LOSS, [LOSS.start] * 30, 1)
    assert len(verdict.lines) == 24
    assert verdict.words == "At most 24 lines are read."


def test_lines_are_shown_as_formulas():
    line = parse("sum(k, 0, T-1, (gamma*lam)^k*delta(k))")
    assert tex_of(line, EPISODE) == (
        r"\sum_{k=0}^{T - 1} {\left(\gamma\,\lambda\right)}^{k}\,\delta_{k}"
    )
    assert tex_of(parse("1/(1+exp(-u_w)) - (2 - u_l)"), PAIR) == (
        r"\frac{1}{1 + e^{-u_w}} - \left(2 - u_l\right)"
    )


# --------------------------------------------------------------------------------------- SymPy


def test_sympy_proves_what_is_equal_and_nothing_else():
    chain = Chain("", "A(1)", "delta(0)", Form(""))
    assert prove_chain(EPISODE, chain, ["delta(0)", "r(0)", "= r(0)*1"], 60) == [True, False, True]


def test_without_time_nothing_is_proved_and_nothing_fails():
    assert prove_chain(PAIR, LOSS, [LOSS.target, "0"], 0.01) == [False, False]
    assert prove_chain(BANDIT, GAIN, ["E(A)"]) == [False]
    assert prove_chain(PAIR, LOSS, ["no line"], 60) == [False]
