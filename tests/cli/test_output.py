from __future__ import annotations

import math
import os

import pytest

from ppolab.cli import main
from ppolab.cli.output import Output
from ppolab.errors import InvalidSettingError


def test_numbers_without_a_word_in_json_become_null(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=True).result({"a": math.nan, "b": [math.inf, 1.5], "c": {"d": -math.inf}})
    assert capsys.readouterr().out == '{"a": null, "b": [null, 1.5], "c": {"d": null}}\n'


def test_without_json_no_object_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    Output(json=False).result({"a": 1})
    assert capsys.readouterr().out == ""


def test_words_in_brackets_are_not_taken_for_colours(capsys: pytest.CaptureFixture[str]) -> None:
    error = InvalidSettingError("gamma", 2.0, "must lie in [0, 1]", "Give [bold]less[/bold]")
    assert Output().error(error) == 2
    assert "gamma: 2.0 must lie in [0, 1]. Give [bold]less[/bold]" in capsys.readouterr().err


def test_threads_wait_asleep_unless_someone_has_said_how(monkeypatch) -> None:
    for name in ("GOMP_SPINCOUNT", "OMP_WAIT_POLICY"):
        monkeypatch.setenv(name, "")  # for both to be put back afterwards
        monkeypatch.delenv(name)
    monkeypatch.setenv("OMP_WAIT_POLICY", "active")
    main(["no-such-command"])
    assert "GOMP_SPINCOUNT" not in os.environ
    monkeypatch.delenv("OMP_WAIT_POLICY")
    main(["no-such-command"])
    assert os.environ["GOMP_SPINCOUNT"] == "2000"
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    main(["no-such-command"])
    assert os.environ["GOMP_SPINCOUNT"] == "7"
