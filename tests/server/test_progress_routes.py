from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from fastapi.testclient import TestClient

from ppolab.assessment.signing import SigningKey
from ppolab.cli import main
from ppolab.server.app import create_app
from ppolab.server.database import open_database
from ppolab.server.models import AnswerRow, AttemptRow
from ppolab.server.progress import TABLES
from ppolab.server.progress_schema import ProgressFile
from ppolab.server.records import Records
from ppolab.server.settings import ServerSettings


@pytest.fixture
def other(settings, grader, tmp_path):
    elsewhere = replace(settings, home=tmp_path / "elsewhere")
    app = create_app(elsewhere, grader)
    with TestClient(app, base_url="http://localhost", raise_server_exceptions=False) as client:
        yield client


def submit(client, source):
    attempt = client.post("/api/challenges/double/attempts", json={"source": source}).json()
    for _ in range(200):
        if client.get(f"/api/attempts/{attempt['id']}").json()["status"] == "done":
            return
        time.sleep(0.02)
    raise AssertionError("no verdict came")


def options(client):
    blocks = client.get("/api/lessons/second/opening").json()["blocks"]
    (question,) = [block for block in blocks if block["type"] == "predict"]
    return {option["children"][0]["text"]: option["id"] for option in question["options"]}


def predict(client, text):
    body = {"chapter": "second", "lesson": "opening", "id": "leak", "option": options(client)[text]}
    return client.post("/api/predictions", json=body).json()


def work(client):
    submit(client, "# verdict: fail")
    submit(client, "# verdict: pass\n# with ü and ≥")
    predict(client, "Always at 1")
    client.put("/api/challenges/double/draft", json={"source": "a draft"})
    client.put("/api/lessons/second/closing/progress", json={"done": True})


def export(client) -> str:
    answer = client.get("/api/progress/export")
    assert "attachment" in answer.headers["content-disposition"]
    return answer.text


def take_in(client, text):
    return client.post(
        "/api/progress/import", content=text, headers={"content-type": "application/json"}
    )


def content(client):
    """What an export holds, apart from when and by whom."""
    document = json.loads(export(client))
    apart = ("exported_at", "public_key", "signature")
    return {name: value for name, value in document.items() if name not in apart}


def test_a_file_carries_everything_to_another_machine_and_twice_is_as_once(client, other):
    work(client)
    text = export(client)
    report = take_in(other, text).json()
    assert (report["added"], report["known"], report["kept_beside"]) == (6, 0, 0)
    assert report["origin"]
    assert other.get("/api/course").json() == client.get("/api/course").json()
    assert other.get("/api/challenges/double").json()["draft"] == "a draft"
    first, second = (c.get("/api/challenges/double/attempts").json() for c in (client, other))
    assert [a["source"] for a in second] == [a["source"] for a in first]
    assert [a["verdict"] for a in second] == ["pass", "fail"]
    assert [a["created_at"] for a in second] == [a["created_at"] for a in first]
    before = content(other)
    again = take_in(other, text).json()
    assert (again["added"], again["known"], again["kept_beside"]) == (0, 6, 0)
    assert content(other) == before


def test_a_file_brought_back_home_changes_nothing(client, other):
    work(client)
    before = content(client)
    take_in(other, export(client))
    assert take_in(client, export(other)).json()["added"] == 0
    assert content(client) == before


def test_of_two_predictions_the_earlier_counts_and_of_two_drafts_the_newer_none_is_lost(
    client, other
):
    predict(client, "Always at 1")
    client.put("/api/challenges/double/draft", json={"source": "older"})
    predict(other, "Sometimes outside")
    other.put("/api/challenges/double/draft", json={"source": "newer"})
    ids = options(client)
    for here, there in ((client, other), (other, client)):
        assert take_in(here, export(there)).status_code == 200
        made = here.get("/api/lessons/second/opening").json()["predictions"]["leak"]
        assert made["chosen"] == ids["Always at 1"]
        assert here.get("/api/challenges/double").json()["draft"] == "newer"
        kept = sorted((a["kind"], a["answer"]) for a in content(here)["answers"])
        assert kept == [("draft", "older"), ("prediction", ids["Sometimes outside"])]


def test_an_edited_file_is_refused_before_anything_changes(client, other):
    work(client)
    before = content(other)
    document = json.loads(export(client))
    document["attempts"][0]["verdict"] = "pass"
    answer = take_in(other, json.dumps(document))
    assert answer.status_code == 422
    assert "was changed after it was signed" in answer.json()["detail"]
    assert content(other) == before


HINT = {"kind": "x", "item": "y", "level": 1, "created_at": "2026-01-01T00:00:00Z"}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda d: d.update(version=9), "version"),
        (lambda d: d.update(more=[]), "more"),
        (lambda d: d["done"].append({"kind": "lesson"}), "done"),
        (lambda d: d["hints"].append({**HINT, "created_at": "soon"}), "hints"),
        (lambda d: d["hints"].append({**HINT, "created_at": "2026-01-01T00:00:00"}), "hints"),
        (lambda d: d["hints"].append({**HINT, "item": "x" * 99}), "hints"),
    ],
)
def test_a_signed_file_of_another_shape_is_refused_whole(client, settings, change, words):
    document = json.loads(export(client))
    change(document)
    plain = {k: v for k, v in document.items() if k not in ("public_key", "signature")}
    answer = take_in(client, json.dumps(SigningKey.of(settings.home).sign(plain)))
    assert answer.status_code == 422
    assert f"progress file {words}" in answer.json()["detail"]
    assert content(client)["done"] == []


def test_a_file_may_be_larger_than_other_bodies(client, settings):
    document = json.loads(export(client))
    plain = {k: v for k, v in document.items() if k not in ("public_key", "signature")}
    for number in range(5):
        moment = f"2026-01-01T00:00:0{number}+00:00"
        draft = {"challenge": f"c{number}", "source": "x" * 200_000, "saved_at": moment}
        plain["drafts"].append(draft)
    answer = take_in(client, json.dumps(SigningKey.of(settings.home).sign(plain)))
    assert answer.json()["added"] == 5
    assert client.post("/api/certificate/verify", content="x" * 600_000).status_code == 413


def test_every_column_of_every_table_is_in_the_file():
    for table, (name, identity) in TABLES.items():
        entry = ProgressFile.model_fields[name].annotation.__args__[0]
        columns = {column.name for column in table.__table__.columns} - {"id", "learner_id"}
        assert set(entry.model_fields) == columns
        assert set(identity) <= columns


# ---------------------------------------------------------------------------------- certificates


def test_a_certificate_tells_what_was_passed_here_and_can_be_verified_anywhere(client, other):
    assert client.post("/api/certificate", json={"name": "Ada"}).status_code == 409
    work(client)
    summary = client.get("/api/progress").json()
    assert (summary["attempts"], summary["predictions"], summary["done"]) == (2, 1, 2)
    (entry,) = summary["passed"]
    assert (entry["kind"], entry["slug"], entry["attempts"]) == ("challenge", "double", 2)
    certificate = client.post("/api/certificate", json={"name": "Ada"}).text
    own = client.post("/api/certificate/verify", content=certificate).json()
    assert (own["name"], own["own"], own["passed"]) == ("Ada", True, [entry])
    elsewhere = other.post("/api/certificate/verify", content=certificate).json()
    assert (elsewhere["own"], elsewhere["fingerprint"]) == (False, own["fingerprint"])
    forged = certificate.replace('"Ada"', '"Eve"')
    assert forged != certificate
    assert "was changed" in other.post("/api/certificate/verify", content=forged).json()["detail"]


def test_what_was_passed_elsewhere_is_in_no_certificate_of_this_machine(client, other):
    work(client)
    take_in(other, export(client))
    assert other.get("/api/progress").json()["passed"] == []
    assert other.post("/api/certificate", json={"name": "Ada"}).status_code == 409
    # Brought back to where it was graded, it counts there as before.
    take_in(client, export(other))
    assert len(client.get("/api/progress").json()["passed"]) == 1


def test_looking_makes_no_key(client, settings):
    assert client.get("/api/progress").json()["public_key"] is None
    assert not (settings.home / "certificate.key").exists()
    export(client)
    assert client.get("/api/progress").json()["public_key"] is not None


def test_questions_and_derivations_count_when_all_of_them_was_right_here(settings):
    from ppolab.course import Course
    from ppolab.server.passed import passed

    settings.prepare()
    records = Records(open_database(settings.database))
    course = Course(ServerSettings().content)
    counted = [q.slug for q in course.questions_of("meeting-ppo") if q.slug != "why-the-minimum"]
    for slug in counted[:-1]:
        records.answers.keep("question", slug, "1", "right", "")
    records.answers.keep("proof", "gae-lambda-mix", [], "right", "")
    assert passed(course, records) == []
    records.answers.keep("question", counted[-1], "1", "wrong", "")
    records.answers.keep("question", counted[-1], "1", "right", "")
    records.answers.keep("lines", "gae-lambda-mix", [], "right", "")
    found = {(entry.kind, entry.slug): entry.attempts for entry in passed(course, records)}
    assert found == {("questions", "meeting-ppo"): 8, ("derivation", "gae-lambda-mix"): 2}


# ----------------------------------------------------------------------------------- the terminal


def test_the_terminal_writes_takes_in_issues_and_verifies(tmp_path, capsys):
    home, file = tmp_path / "home", tmp_path / "progress.json"
    at = ["--home", str(home)]
    ServerSettings(home=home).prepare()
    records = Records(open_database(home / "ppolab.db"))
    records.answers.keep("proof", "gae-lambda-mix", [], "right", "")
    records.answers.keep("lines", "gae-lambda-mix", [], "right", "")
    assert main(["progress", "export", str(file), *at]) == 0
    assert main(["progress", "export", str(file), *at]) == 2  # what is there is left alone
    assert main(["progress", "import", str(file), *at]) == 0
    assert "0 added, 2 known already" in capsys.readouterr().out
    certificate = tmp_path / "certificate.json"
    assert main(["certificate", "issue", str(certificate), *at]) == 2
    assert main(["certificate", "issue", str(certificate), "--name", "Ada", *at]) == 0
    assert main(["certificate", "key", *at, "--json"]) == 0
    key = json.loads(capsys.readouterr().out.splitlines()[-1])["public_key"]
    assert main(["certificate", "verify", str(certificate), "--key", key]) == 0
    assert "Ada" in capsys.readouterr().out
    assert main(["certificate", "verify", str(certificate), "--key", "0" * 64]) == 1
    assert "not the key that you trust" in capsys.readouterr().err
    certificate.write_text(certificate.read_text().replace("Ada", "Eve"))
    assert main(["certificate", "verify", str(certificate)]) == 1
    assert "was changed after it was signed" in capsys.readouterr().err
    assert main(["certificate", "verify", str(tmp_path / "nothing")]) == 2


def test_rows_know_where_they_were_marked(client, other, tmp_path):
    work(client)
    take_in(other, export(client))
    assert AttemptRow.__table__.c.origin.type.length == AnswerRow.__table__.c.origin.type.length
    assert {attempt["origin"] for attempt in content(client)["attempts"]} == {""}
    (origin,) = {attempt["origin"] for attempt in content(other)["attempts"]}
    assert origin == client.get("/api/progress").json()["fingerprint"]
