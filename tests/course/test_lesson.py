import pytest

from ppolab.course import ContentError, Course, shuffled_for
from ppolab.course.ast import CodeBlock, DirectiveBlock, PredictBlock
from ppolab.course.lesson import parse_document
from ppolab.course.model import option_id
from ppolab.errors import UnknownNameError


def find(blocks, kind):
    return next(block for block in blocks if isinstance(block, kind))


def test_a_prediction_keeps_its_answer_apart_from_what_the_page_gets(content):
    lesson = Course(content).lesson("second", "opening")
    block = find(lesson.blocks, PredictBlock)
    key = lesson.prediction("leak")
    assert key.correct == option_id("leak", "Sometimes outside")
    assert key.reasons[key.correct] == "nothing holds the ratio itself"
    sent = block.model_dump_json()
    assert "Sometimes outside" in sent
    assert "nothing holds" not in sent
    assert "correct" not in sent


def test_an_option_may_go_on_over_indented_lines():
    text = ':::predict{id="p"}\nQ?\n- [x] a long\n  option — with a\n  reason\n- [ ] b — no\n:::\n'
    _, document = parse_document(text, "f")
    key = document.predictions["p"]
    assert key.reasons[key.correct] == "with a reason"
    assert key.correct == option_id("p", "a long option")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ("- [ ] a — r\n- [ ] b — r\n", "0 of them right"),
        ("- [x] a — r\n- [x] b — r\n", "2 of them right"),
        ("- [x] a — r\n", "has 1 options"),
        ("- [x] a\n- [ ] b — r\n", "gives no reason"),
        ("- [x] a — r\n- [ ] a — s\n", "the same option twice"),
    ],
)
def test_a_prediction_that_cannot_be_judged_is_refused(options, words):
    with pytest.raises(ContentError, match=words):
        parse_document(f':::predict{{id="p"}}\nQ?\n{options}:::\n', "f")


def test_options_come_in_an_order_of_each_learners_own_that_stays(content):
    blocks = list(Course(content).lesson("second", "opening").blocks)

    def order(learner):
        block = find(shuffled_for(learner, blocks), PredictBlock)
        return tuple(option.id for option in block.options)

    assert order("ada") == order("ada")
    orders = {order(f"learner {number}") for number in range(60)}
    assert len(orders) == 6  # all orders of three options are met


def test_a_prediction_inside_a_step_is_shuffled_too():
    text = ':::step{show="run"}\n:::predict{id="p"}\nQ\n' + "".join(
        f"- [{'x' if n == 1 else ' '}] option {n} — r\n" for n in range(6)
    )
    blocks, _ = parse_document(text + ":::\n:::\n", "f")
    orders = set()
    for learner in "abcdefgh":
        (step,) = shuffled_for(learner, blocks)
        assert isinstance(step, DirectiveBlock)
        orders.add(tuple(option.id for option in find(step.children, PredictBlock).options))
    assert len(orders) > 1


def test_source_is_taken_from_the_file_with_its_lines(content):
    blocks, _ = parse_document(':::source{symbol="ppolab.errors.shorten"}\n', "f")
    (code,) = blocks
    assert isinstance(code, CodeBlock)
    import inspect

    from ppolab import errors

    lines, first = inspect.getsourcelines(errors.shorten)
    assert lines[1].strip().startswith('"""')  # its docstring, which the lesson does not repeat
    assert lines[4].strip() == '"""'
    assert code.text == "".join(lines[:1] + lines[5:])
    assert code.source == f"ppolab/errors.py:{first}-{first + len(lines) - 1}"


def test_a_method_can_be_shown_and_an_unknown_symbol_names_the_known_ones():
    (code,), _ = parse_document(
        ':::source{symbol="ppolab.errors.UnknownNameError.__init__"}\n', "f"
    )
    assert code.text.lstrip().startswith("def __init__")
    with pytest.raises(ContentError, match="shorten"):
        parse_document(':::source{symbol="ppolab.errors.nothing"}\n', "f")
    with pytest.raises(ContentError, match="source tree"):
        parse_document(':::source{symbol="os.path.join"}\n', "f")


def test_the_words_after_a_language_are_not_sent_to_the_page(content):
    lesson = Course(content).lesson("second", "opening")
    assert [b.language for b in lesson.blocks if isinstance(b, CodeBlock)] == ["python", "python"]


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("minutes: 7\n", "", "Give minutes"),
        ("minutes: 7\n", "minutes: soon\n", "as int"),
        ("---\ntitle", "title", "has no front matter"),
        ("title: The opening", "title: [", "is not YAML"),
    ],
)
def test_front_matter_that_is_incomplete_names_the_file_and_what_to_give(
    content, opening, old, new, words
):
    opening.write_text(opening.read_text().replace(old, new, 1))
    with pytest.raises(ContentError, match=words) as caught:
        Course(content).lesson("second", "opening")
    assert "01-opening.md:1" in caught.value.field


def test_errors_in_a_lesson_name_the_line_of_the_file_not_of_its_body(content, opening):
    text = opening.read_text().replace("Look at the left side.", "Look :left[here].")
    opening.write_text(text)
    line = text.splitlines().index("Look :left[here].") + 1
    with pytest.raises(ContentError) as caught:
        Course(content).lesson("second", "opening")
    assert caught.value.field.endswith(f"01-opening.md:{line}")


def test_unknown_names_list_the_known_ones(content):
    course = Course(content)
    with pytest.raises(UnknownNameError, match="first, second"):
        course.lesson("third", "opening")
    with pytest.raises(UnknownNameError, match="closing, opening"):
        course.lesson("second", "ending")
    with pytest.raises(UnknownNameError, match="double"):
        course.challenge("triple")
