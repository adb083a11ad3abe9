from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from ppolab.assessment.derivations import load_derivation
from ppolab.assessment.derivations.blocks import orders
from ppolab.assessment.questions.variant import name_of

CONTENT = Path(__file__).parents[2] / "content"
GAE = CONTENT / "chapters/06-advantage-estimation/derivations/gae-lambda-mix"


@pytest.fixture(autouse=True)
def gae(settings):
    folder = settings.content / "chapters/02-second/derivations/mix"
    shutil.copytree(GAE, folder)
    return load_derivation(folder)


def shown(client):
    return client.get("/api/derivations/mix").json()


def arrange(client, pieces):
    return client.post("/api/derivations/mix/proof", json={"pieces": pieces}).json()


def write(client, lines, chain=0, to="lines"):
    return client.post(f"/api/derivations/mix/{to}", json={"chain": chain, "lines": lines})


def right_proof(gae):
    texts = {block.id: block.text for block in gae.proof.blocks}
    return [name_of(texts[id]) for id in next(orders(gae.proof.proofs()[0], 1))]


def test_it_is_on_the_map_and_shows_nothing_of_its_key(client, gae):
    links = client.get("/api/course").json()["chapters"][1]["lessons"]
    (link,) = [link for link in links if link["kind"] == "derivation"]
    assert (link["slug"], link["title"], link["done"]) == ("mix", gae.title, False)
    text = client.get("/api/derivations/mix").text
    assert len(json.loads(text)["pieces"]) == len(gae.proof.blocks) + len(gae.proof.distractors)
    for key in (
        "rests_on",
        "belief",
        "target",
        gae.chains[0].target,
        gae.proof.distractors[0].belief,
    ):
        assert key not in text
    assert json.loads(text)["explanation"] == []
    assert client.get("/api/derivations/none").status_code == 404


def test_both_parts_together_make_it_done_and_bring_the_explanation(client, gae):
    wrong = arrange(client, right_proof(gae)[::-1])
    assert (wrong["right"], wrong["credit"]) == (False, 0)
    right = arrange(client, right_proof(gae))
    assert (right["right"], right["credit"]) == (True, 100)
    assert right["derivation"]["proof_done"] is True
    assert right["derivation"]["proof_attempts"] == 2
    assert right["derivation"]["done"] is False
    result = write(client, list(gae.chains[0].proofs[0])).json()
    assert result["reached"] is True
    assert {line["status"] for line in result["lines"]} == {"right"}
    assert result["derivation"]["done"] is True
    assert result["derivation"]["explanation"]
    assert client.get("/api/course").json()["done"] == 1


def test_a_wrong_line_comes_with_its_smallest_case_and_the_attempt_is_kept(client):
    lines = ["= delta(0) + sum(k, 1, T-1, (gamma*lam)^k*delta(k))", "sum(k,0,T-1,lam^k*delta(k))"]
    result = write(client, lines).json()
    assert [line["status"] for line in result["lines"]] == ["right", "wrong"]
    example = result["lines"][1]["example"]
    assert example["size"] == "T = 2"  # with one step there is no discount to lose
    assert result["lines"][1]["words"].startswith("The discount was lost")
    assert shown(client)["chains"][0]["lines"] == lines
    assert shown(client)["chains"][0]["reached"] is False


def test_a_reached_chain_stays_reached(client, gae):
    write(client, list(gae.chains[0].proofs[1]))
    write(client, ["1"])
    assert shown(client)["chains"][0]["reached"] is True


def test_formulas_are_proved_apart_from_the_check(client):
    proved = write(client, ["A(1)*0 + sum(k,0,T-1,(gamma*lam)^k*delta(k))", "0"], to="formulas")
    assert proved.json()["proved"][1] is False
    assert len(proved.json()["proved"]) == 2


def test_hints_open_after_wrong_attempts_one_by_one(client):
    assert client.post("/api/derivations/mix/hints").status_code == 409
    assert shown(client)["hint_waits"] == 2
    write(client, ["1"])
    arrange(client, [])
    assert shown(client)["hint_waits"] == 0
    assert len(client.post("/api/derivations/mix/hints").json()["hints"]) == 1
    assert client.post("/api/derivations/mix/hints").status_code == 409
    for _ in range(4):
        write(client, ["1"])
    for count in (2, 3):
        assert len(client.post("/api/derivations/mix/hints").json()["hints"]) == count
    assert "was the last one" in client.post("/api/derivations/mix/hints").json()["detail"]


def test_sizes_are_limited_and_strange_chains_are_told(client):
    assert write(client, ["1"], chain=5).status_code == 404
    assert write(client, ["1"] * 61).status_code == 422
    assert write(client, ["x" * 1001]).status_code == 422
    assert arrange(client, ["strange"])["words"].startswith("These are not the blocks")
