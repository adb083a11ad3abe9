import pytest

from ppolab.course import ContentError
from ppolab.course.directives import Directive, Text, split


def test_text_and_directives_alternate_with_their_lines():
    pieces = split("one\n\n:::run{preset=\"a\" after='b'}\ntwo\n", "f", first_line=5)
    assert pieces == [
        Text("one\n\n", 5),
        Directive("run", {"preset": "a", "after": "b"}, 7),
        Text("two\n", 8),
    ]


def test_directives_nest():
    (step,) = split(':::step{show="run"}\na\n:::note\nb\n:::\nc\n:::\n', "f")
    assert isinstance(step, Directive)
    assert step.children == [
        Text("a\n", 2),
        Directive("note", {}, 3, [Text("b\n", 4)]),
        Text("c\n", 6),
    ]


def test_directives_inside_fenced_code_are_code():
    (text,) = split("```\n:::run{}\n:::\n```\n", "f")
    assert isinstance(text, Text)
    assert ":::run{}" in text.text


@pytest.mark.parametrize(
    ("text", "line", "words"),
    [
        (":::", 1, "closes nothing"),
        ("a\n:::note\nb", 2, "never closed"),
        (":::graph{}", 1, "Known: challenge, interactive, note, predict, run, source, step"),
        (":::run{}", 1, "lacks preset"),
        (':::run{preset="a" colour="b"}', 1, "after, preset, recorded"),
        (':::run{preset="a" preset="b"}', 1, "given twice"),
        (":::run{preset}", 1, "cannot be read as attributes"),
        (":::run preset", 1, "is no directive"),
    ],
)
def test_a_wrong_directive_is_refused_with_its_line_and_what_would_do(text, line, words):
    with pytest.raises(ContentError) as caught:
        split(text, "f.md")
    assert caught.value.field == f"f.md:{line}"
    assert words in str(caught.value)
