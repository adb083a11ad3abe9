"""How far a reward can be pushed: runs at several prices of KL, best-of-n, and the law of both.

Each evaluation of each run is a point: so far from the reference, so much gold and so much reward
more than at the start. The laws are fitted to all points of a method together.
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch

from ppolab.algorithms.overoptimization import (
    Method,
    OveroptimizationLaw,
    fit_overoptimization,
)
from ppolab.errors import InvalidSettingError, StorageError
from ppolab.language.config import RLHFConfig
from ppolab.language.rival_stages import CURVE_NAME
from ppolab.language.rlhf_stage import RLHFStage
from ppolab.runs.folder import RunFolder
from ppolab.runs.registry import Runs
from ppolab.runs.statistics import Interval, t_quantile

Of = Literal["gold", "reward", "second"]
# As a run of best-of-n keeps them.
_LAWS: dict[Of, str] = {"gold": "law", "reward": "proxy_law", "second": "second_law"}


@dataclass(frozen=True)
class Point:
    """What a policy at a distance from the reference gets."""

    run: str  # the run's id
    method: Method
    kl: float  # nats per answer; of best-of-n the closed form log n − (n − 1)/n
    gold: float  # true score
    reward: float  # of the model that was pushed
    gold_gain: float  # more than at KL 0
    reward_gain: float
    step: int | None = None  # update; None for best-of-n
    n: int | None = None  # answers to choose among; None for rl
    kl_coef: float | None = None  # price of KL at the start of the run
    seed: int = 1
    second: float | None = None  # of the second judge, who is none of those above
    second_gain: float | None = None

    def gain(self, of: Of) -> float | None:
        """What was gained by one of the judges; None where there is no second."""
        return {"gold": self.gold_gain, "reward": self.reward_gain, "second": self.second_gain}[of]


@dataclass(frozen=True)
class FittedLaw:
    """A law as it is told: with 95 % intervals, of Student's t over runs or prompts."""

    of: Of
    law: OveroptimizationLaw
    points: int  # that it was fitted to

    @property
    def alpha_interval(self) -> Interval | None:
        """Of α; None where its error is not known."""
        return self._interval(self.law.alpha, self.law.alpha_error)

    @property
    def beta_interval(self) -> Interval | None:
        """Of β; None where its error is not known."""
        return self._interval(self.law.beta, self.law.beta_error)

    @property
    def best_kl(self) -> float | None:
        """The KL of the highest gain, nats; None where the law never falls."""
        return self.law.best_kl if math.isfinite(self.law.best_kl) else None

    def to_mapping(self) -> dict[str, Any]:
        """Plain data that JSON can hold."""
        law = self.law
        return {
            "method": law.method, "of": self.of, "alpha": law.alpha, "beta": law.beta,
            "alpha_interval": self.alpha_interval, "beta_interval": self.beta_interval,
            "r_squared": law.r_squared if math.isfinite(law.r_squared) else None,
            "residual": law.residual, "best_kl": self.best_kl,
            "groups": law.groups, "points": self.points,
        }  # fmt: skip

    def _interval(self, middle: float, error: float) -> Interval | None:
        if not math.isfinite(error):
            return None
        half = t_quantile(self.law.groups - 1) * error
        return middle - half, middle + half


def sweep_stages(stage: RLHFStage, kl_coefs: Sequence[float], seeds: Sequence[int]) -> list[Any]:
    """The stage at each fixed price of KL, with each seed.

    Raises:
        InvalidSettingError: a price is negative, or comes twice.
    """
    if len(set(kl_coefs)) < len(kl_coefs):
        raise InvalidSettingError(
            "kl_coefs", list(kl_coefs), "names a price twice", "Give each once"
        )

    def training(kl_coef: float, seed: int) -> RLHFConfig:
        return dataclasses.replace(
            stage.training, kl_coef=kl_coef, kl_controller="fixed", seed=seed
        )

    return [
        dataclasses.replace(stage, training=training(kl_coef, seed))
        for kl_coef in kl_coefs
        for seed in seeds
    ]


def done_before(runs: Runs, stage: Any) -> RunFolder | None:
    """A run of the same settings that has finished, so that none is trained twice."""
    wanted = json.loads(json.dumps(stage.to_mapping()))
    for run in runs.list():
        same = run.manifest.kind == stage.kind and run.manifest.config == wanted
        if same and run.status().state == "finished":
            return run
    return None


def points_of(run: RunFolder) -> list[Point]:
    """The points of a finished run of reinforcement or best-of-n.

    Raises:
        StorageError: it is of another kind, or has measured too little.
    """
    kind = run.manifest.kind
    if kind == "best-of-n":
        return _best_of_n_points(run)
    columns = run.fold().columns
    keys = ("eval_kl", "eval_gold", "eval_reward")
    if kind != "rlhf" or any(key not in columns for key in keys):
        raise StorageError(
            "run", run.id, "holds no gold score, reward and KL to compare",
            "Give runs of reinforcement or best-of-n whose task has a judge",
        )  # fmt: skip
    kl, gold, reward = (columns[key] for key in keys)
    second = columns["eval_gold_second"].values if "eval_gold_second" in columns else None
    training = run.manifest.config["training"]
    return [
        Point(
            run.id, "rl", max(kl.values[i], 0.0),  # an estimate, which chance may put below 0
            gold.values[i], reward.values[i],
            gold.values[i] - gold.values[0], reward.values[i] - reward.values[0],
            step=step, kl_coef=training["kl_coef"], seed=training["seed"],
            second=None if second is None else second[i],
            second_gain=None if second is None else second[i] - second[0],
        )
        for i, step in enumerate(kl.steps)
        if i > 0
    ]  # fmt: skip


def fitted_laws(runs: Iterable[RunFolder], points: Sequence[Point]) -> list[FittedLaw]:
    """The laws of gold, reward and second judge, for each method that there are points of.

    Those of best-of-n were fitted by the run itself, which knows what each prompt came to.

    Raises:
        StorageError: a run of best-of-n holds no laws.
        InvalidSettingError: there are too few points.
    """
    pushed = [point for point in points if point.method == "rl"]
    laws = [fit_points(pushed, of) for of in _LAWS]
    found = [law for law in laws if law is not None]
    for run in runs:
        if run.manifest.kind != "best-of-n":
            continue
        curve = _curve(run)
        for of, name in _LAWS.items():
            data: dict[str, Any] = {
                k: math.nan if v is None else v for k, v in (curve.get(name) or {}).items()
            }
            if not data and of == "second":
                continue  # there was one judge only
            if not data:
                raise StorageError(
                    "run", run.id, f"holds no {name} in {CURVE_NAME}",
                    "Do it again with two or more n above 1",
                )  # fmt: skip
            found.append(FittedLaw(of, OveroptimizationLaw(**data), len(curve["points"])))
    return found


def fit_points(points: Sequence[Point], of: Of) -> FittedLaw | None:
    """The law of one method's points, each run a group; None where nobody judged any.

    Raises:
        InvalidSettingError: there are fewer than two different distances.
    """
    seen = [(point, gain) for point in points if (gain := point.gain(of)) is not None]
    if not seen:
        return None
    points = [point for point, _ in seen]
    names = sorted({point.run for point in points})
    gains = [gain for _, gain in seen]
    try:
        law = fit_overoptimization(
            torch.tensor([point.kl for point in points], dtype=torch.float64),
            torch.tensor(gains, dtype=torch.float64), points[0].method,
            torch.tensor([names.index(point.run) for point in points]),
        )  # fmt: skip
    except ValueError as error:
        raise InvalidSettingError(
            "runs", names, f"give too few points ({error})", "Give longer runs, or more"
        ) from error
    return FittedLaw(of, law, len(points))


def _best_of_n_points(run: RunFolder) -> list[Point]:
    points = _curve(run)["points"]
    first = points[0]
    if first["n"] != 1:
        raise StorageError(
            "run", run.id, f"begins at the best of {first['n']}, with nothing to compare it to",
            "Do it again with --n 1,2,4",
        )  # fmt: skip
    return [
        Point(
            run.id, "best-of-n", point["kl"], point["gold"], point["reward"],
            point["gold"] - first["gold"], point["reward"] - first["reward"], n=point["n"],
            seed=run.manifest.seed, second=point.get("second_gold"),
            second_gain=_difference(point.get("second_gold"), first.get("second_gold")),
        )
        for point in points[1:]
    ]  # fmt: skip


def _difference(after: float | None, before: float | None) -> float | None:
    return None if after is None or before is None else after - before


def _curve(run: RunFolder) -> dict[str, Any]:
    try:
        curve: dict[str, Any] = json.loads((run.path / CURVE_NAME).read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise StorageError(
            "run", run.id, f"holds no readable {CURVE_NAME} ({error})", "Let it finish"
        ) from error
    return curve
