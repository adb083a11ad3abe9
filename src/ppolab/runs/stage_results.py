"""What a stage of RLHF came to: its figures, and what its model writes, before and after."""

from __future__ import annotations

from dataclasses import dataclass

from ppolab.runs.folder import RunFolder

_POLICY = (
    ("eval_accuracy", "right answers, drawn"),
    ("eval_accuracy_greedy", "right answers, greedy"),
    ("eval_gold", "gold score"),
    ("eval_gold_second", "gold score, second judge"),
    ("eval_reward", "reward"),
    ("eval_kl", "KL, nats"),
    ("eval_distinct_2", "distinct pairs"),
    ("eval_length", "length, tokens"),
)
MEASURED = {
    "sft": (("perplexity", "perplexity"),),
    "reward-model": (("rm_accuracy", "accuracy"),),
    "rlhf": _POLICY,
    "dpo": _POLICY,
    "best-of-n": _POLICY,
}
# The best of one answer is what was there before, from the same sample as the best of many.
_BEST_OF = {
    "eval_gold": "bon_gold",
    "eval_reward": "bon_reward",
    "eval_gold_second": "bon_gold_second",
}


@dataclass(frozen=True)
class Figure:
    """A measured number before a stage has learnt anything, and at its newest measurement."""

    key: str  # of the metric
    words: str
    before: float | None  # None where the first measurement comes later
    after: float | None


def figures_of(folder: RunFolder) -> list[Figure]:
    """The figures by which a run of a stage is judged; those that it has measured so far."""
    manifest, columns = folder.manifest, folder.fold().columns
    best_of_n = manifest.kind == "best-of-n"
    found = []
    for key, words in MEASURED.get(manifest.kind, ()):
        if key not in columns or not columns[key].values:
            continue
        before = columns[key].values[0] if columns[key].steps[0] == 0 else None
        if best_of_n:
            before = 0.0 if key == "eval_kl" else _of_one_answer(folder, key)
        found.append(Figure(key, words, before, columns[key].values[-1]))
    return found


def texts_of_run(folder: RunFolder) -> tuple[list[str], list[str]]:
    """Texts on the same prompts at a stage's start and newest; empty where it writes none."""
    texts = [
        [str(text) for text in event.data["texts"]]
        for event in folder.read()
        if event.type == "sample" and "texts" in event.data
    ]
    return (texts[0], texts[-1]) if texts else ([], [])


def _of_one_answer(folder: RunFolder, key: str) -> float | None:
    columns = folder.fold().columns
    least = f"{_BEST_OF.get(key, '')}/{folder.manifest.config['training']['n'][0]}"
    return columns[least].values[-1] if least in columns else None
