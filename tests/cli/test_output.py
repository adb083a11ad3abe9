from __future__ import annotations

import math

import pytest

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
