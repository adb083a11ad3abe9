import pytest

from ppolab.errors import UnknownNameError
from ppolab.server.database import open_database
from ppolab.server.records import Records
from ppolab.server.schema import CheckResult

CHECKS = [CheckResult(name="a", title="A", status="pending", message="")]


@pytest.fixture
def engine(tmp_path):
    return open_database(tmp_path / "a.db")


@pytest.fixture
def records(engine):
    return Records(engine)


def test_progress_is_kept_per_learner_and_can_be_taken_back(engine, records):
    records.set_done("lesson", "c", "one", True)
    records.set_done("lesson", "c", "one", True)
    records.set_done("challenge", "c", "two", True)
    assert records.done() == {("lesson", "c", "one"), ("challenge", "c", "two")}
    assert Records(engine, "someone else").done() == set()
    records.set_done("lesson", "c", "one", False)
    assert Records(engine).done() == {("challenge", "c", "two")}


def test_the_first_prediction_is_the_one_that_counts(records):
    assert records.predict("c", "l", "p", "first") == "first"
    assert records.predict("c", "l", "p", "second") == "first"
    assert records.predictions("c", "l") == {"p": "first"}
    assert records.predictions("c", "other") == {}


def test_a_draft_replaces_the_one_before(records):
    assert records.draft("x") is None
    records.save_draft("x", "one")
    records.save_draft("x", "two")
    assert records.draft("x") == "two"


def test_attempts_come_newest_first_and_keep_their_verdicts(records):
    first = records.add_attempt("x", "source 1", CHECKS, "box")
    second = records.add_attempt("x", "source 2", CHECKS, "box")
    records.add_attempt("y", "source 3", CHECKS, "box")
    graded = first.model_copy(
        update={
            "status": "done",
            "verdict": "pass",
            "summary": "All good.",
            "checks": [CheckResult(name="a", title="A", status="pass", message="m")],
            "seconds": 1.5,
        }
    )
    records.keep_attempt(graded)
    assert records.attempt(first.id) == graded
    assert records.attempts("x") == [second, graded]
    assert records.count_attempts("x") == 2


def test_attempts_of_others_cannot_be_read(engine, records):
    attempt = records.add_attempt("x", "source", CHECKS, "box")
    with pytest.raises(UnknownNameError):
        Records(engine, "someone else").attempt(attempt.id)


def test_only_attempts_without_a_verdict_are_ended_as_interrupted(records):
    done = records.add_attempt("x", "a", CHECKS, "box")
    records.keep_attempt(done.model_copy(update={"status": "done", "verdict": "pass"}))
    left = records.add_attempt("x", "b", CHECKS, "box")
    assert records.end_interrupted_attempts() == 1
    assert records.attempt(done.id).verdict == "pass"
    ended = records.attempt(left.id)
    assert (ended.status, ended.verdict, ended.source) == ("done", "error", "b")
    assert ended.summary.startswith("interrupted: the server stopped")


def test_moments_are_told_in_utc(records):
    assert records.add_attempt("x", "a", CHECKS, "box").created_at.endswith("Z")
