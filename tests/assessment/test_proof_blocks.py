from __future__ import annotations

import shutil
from dataclasses import replace
from itertools import combinations, permutations
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ppolab.assessment.derivations import (
    Block,
    Distractor,
    ProofBlocks,
    check_derivation,
    find_derivations,
    load_derivation,
)
from ppolab.assessment.derivations.blocks import _distance
from ppolab.assessment.questions.variant import name_of
from ppolab.errors import InvalidSettingError, StorageError

CONTENT = Path(__file__).parents[2] / "content"
DERIVATIONS = find_derivations(CONTENT)


def block(id: str, *rests_on: str) -> Block:
    return Block(id, f"Block {id}.", tuple(frozenset(chosen) for chosen in rests_on or ("",)))


# g rests on a and b together, or on c alone; b rests on a.
PROOF = ProofBlocks(
    blocks=(block("a"), block("b", "a"), block("c"), block("g", "ab", "c")),
    distractors=(Distractor("d", "Block d.", "Pigs do not fly."),),
    goal="g",
)


def mark(order: str):
    return PROOF.mark([name_of(f"Block {id}.") for id in order])


def test_there_are_several_proofs_and_each_is_accepted():
    assert [sorted(proof) for proof in PROOF.proofs()] == [["a", "b", "g"], ["c", "g"]]
    accepted = [
        "".join(order)
        for count in range(1, 6)
        for order in permutations("abcdg", count)
        if mark("".join(order)).right
    ]
    assert accepted == ["cg", "abg"]


@pytest.mark.parametrize(
    ("order", "credit", "words"),
    [
        ("", 0, "ends in what was to be shown"),
        ("ab", 0, "ends in what was to be shown"),
        ("gab", 0, "ends in what was to be shown"),
        ("abdg", 50, "Pigs do not fly."),
        ("bag", 25, "comes before something it rests on"),
        ("ag", 50, "missing or one too many"),
        ("g", 50, "missing or one too many"),
        ("acg", 50, "missing or one too many"),
        ("dg", 0, "Pigs do not fly."),
    ],
)
def test_credit_comes_in_quarters_and_words_name_no_place(order, credit, words):
    found = mark(order)
    assert (found.right, found.credit) == (False, credit)
    assert words in found.words
    assert not any(f"Block {id}." in found.words for id in "abcg")


def test_strange_and_doubled_blocks_are_no_attempt():
    assert PROOF.mark(["nothing"]).words.startswith("These are not the blocks")
    assert mark("aag").words.startswith("These are not the blocks")


def test_blocks_travel_under_names_that_tell_nothing():
    shown = PROOF.shown(3)
    assert sorted(text for _, text in shown) == [f"Block {id}." for id in "abcdg"]
    assert {name for name, _ in shown}.isdisjoint("abcdg")
    assert len({PROOF.shown(seed) for seed in range(50)}) > 30


@given(st.data())
def test_the_distance_to_a_proof_is_that_of_a_search_through_all_parts(data):
    ids = "abcde"
    proof = {
        id: frozenset(data.draw(st.sets(st.sampled_from(ids[:place]))) if place else ())
        for place, id in enumerate(ids)
    }
    attempt = data.draw(st.lists(st.sampled_from("abcdexy"), unique=True))

    def told_in_order(part: tuple[str, ...]) -> bool:
        # A part can stay when some order of the whole proof has its blocks in this order.
        return all(id in proof for id in part) and any(
            [id for id in order if id in part] == list(part)
            and all(proof[id] <= set(order[:place]) for place, id in enumerate(order))
            for order in permutations(ids)
        )

    longest = max(
        count
        for count in range(len(attempt) + 1)
        for part in combinations(attempt, count)
        if told_in_order(part)
    )
    assert _distance(attempt, proof) == len(attempt) + len(proof) - 2 * longest


def test_the_course_has_four_derivations_in_their_chapters():
    assert {d.slug: d.chapter for d in DERIVATIONS.values()} == {
        "policy-gradient": "policy-gradients",
        "ppo-surrogate": "ppo-objective",
        "gae-lambda-mix": "advantage-estimation",
        "bradley-terry": "rlhf-pipeline",
    }


@pytest.mark.parametrize("slug", sorted(DERIVATIONS))
def test_each_derivation_of_the_course_proves_itself(slug):
    assert check_derivation(DERIVATIONS[slug], (7,)) == []


@pytest.fixture
def gae() -> object:
    return DERIVATIONS["gae-lambda-mix"]


def problems(derivation, **changes) -> str:
    (chain,) = derivation.chains
    spoilt = replace(derivation, chains=(replace(chain, **changes),))
    return "\n".join(flaw.problem for flaw in check_derivation(spoilt, (1,)))


def test_what_is_wrong_with_a_chain_is_found(gae):
    (chain,) = gae.chains
    right = replace(chain.mistakes[0], line=chain.target)
    assert "is taken as right" in problems(gae, mistakes=(*chain.mistakes, right))
    same = replace(chain.mistakes[0], belief="Another one.")
    assert "with the words of another" in problems(gae, mistakes=(*chain.mistakes, same))
    assert "is refused" in problems(gae, proofs=(*chain.proofs, ("r(0)",)))
    assert "fewer than 2 proofs" in problems(gae, proofs=chain.proofs[:1])
    assert "fewer than 5 mistakes" in problems(gae, mistakes=chain.mistakes[:4])
    free = replace(chain.form, requires=frozenset(), forbids=frozenset(), sums=None)
    assert "repeating the start reaches the goal" in problems(gae, form=free)


def test_what_is_wrong_with_blocks_is_found(gae):
    def found(**changes) -> str:
        spoilt = replace(gae, proof=replace(gae.proof, **changes))
        return "\n".join(flaw.problem for flaw in check_derivation(spoilt, (1,)))

    assert "no proof uses the blocks ['idle']" in found(blocks=(*gae.proof.blocks, block("idle")))
    assert "fewer than 3 distractors" in found(distractors=gae.proof.distractors[:1])
    line = tuple(
        Block(b.id, b.text, (frozenset({gae.proof.blocks[i - 1].id} if i else ()),))
        for i, b in enumerate(gae.proof.blocks)
    )
    assert "only one way to tell it" in found(blocks=line)


def test_a_folder_that_lacks_something_is_named(tmp_path, gae):
    folder = tmp_path / "chapters/01-first/derivations/copied"
    shutil.copytree(gae.folder, folder)
    assert load_derivation(folder).chapter == "first"
    file = folder / "derivation.yaml"
    text = file.read_text()
    for spoilt in (
        text.replace("goal: goal", "goal: gaol"),
        text.replace("world: episode", "world: epicycle"),
        text.replace("title:", "titel:"),
        text.replace("rests_on: [mix, nstep]", "rests_on: [mix, nonsense]"),
        "- a list",
    ):
        assert spoilt != text
        file.write_text(spoilt)
        with pytest.raises(InvalidSettingError, match=r"derivation\.yaml"):
            load_derivation(folder)
    (folder / "prompt.md").unlink()
    with pytest.raises(StorageError, match=r"prompt\.md"):
        load_derivation(folder)


def test_one_block_in_the_wrong_place_costs_one_move_however_many_rest_on_it():
    proof = {"z": frozenset(), **{id: frozenset("z") for id in "abc"}}
    assert _distance(list("abcz"), proof) == 2  # z taken out and put in again
    assert _distance(list("zabc"), proof) == 0
