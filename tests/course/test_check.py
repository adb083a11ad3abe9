import pytest

from ppolab.course import check_course
from ppolab.course.check import tex_fault


def test_a_sound_course_has_no_findings(content):
    assert check_course(content) == []


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('preset="cartpole"', 'preset="cartpool"', "names preset 'cartpool'"),
        ('after="leak"', 'after="leek"', "names after 'leek'"),
        ('show="clip-explorer"', 'show="clap-explorer"', "names show 'clap-explorer'"),
        ("/learn/second/closing", "/learn/second/ending", "leads nowhere"),
        ("(https://example.org)", "(#no-such-part)", "leads to no heading"),
        (r"\bar r A)", r"\bar r A}", "closes a brace that was not opened"),
        ("$r$", "$r_{old$", "leaves a brace open"),
        ("| $x$ |", "| $x^{$ |", "leaves a brace open"),
        ("assert 1 + 1 == 2", "assert 1 + 1 == 3", "AssertionError"),
        ("nothing holds the ratio itself", "see $r$", "holds markup"),
        ("## A ratio", "# A ratio", "repeats the title"),
        ("ppolab.errors.shorten", "ppolab.errors.lengthen", "is not in our source"),
        ('after="leak"', 'after="leak" recorded="nowhere"', "names recorded 'nowhere'"),
    ],
)
def test_each_fault_of_a_lesson_is_found_and_placed(content, opening, old, new, words):
    text = opening.read_text()
    assert old in text
    opening.write_text(text.replace(old, new, 1))
    (finding,) = check_course(content)
    assert words in finding.problem
    assert "01-opening.md" in finding.where
    assert finding.mend


def test_a_recorded_run_may_be_shown_and_linked(content, opening):
    (content / "runs/kept").mkdir(parents=True)
    (content / "runs/kept/run.json").write_text("{}")
    text = opening.read_text().replace('after="leak"', 'after="leak" recorded="kept"')
    opening.write_text(text.replace("(https://example.org)", "(/runs/kept?step=5)"))
    assert check_course(content) == []


@pytest.mark.parametrize(
    ("attributes", "words"),
    [
        ('show="run" focus="policy_loss value_loss"', None),
        ('show="run" focus="policy_loss polisy_loss"', "names focus 'polisy_loss'"),
        ('show="run" focus=" "', "singles out no chart"),
        ('show="clip-explorer" focus="entropy"', "singles out charts of 'clip-explorer'"),
    ],
)
def test_a_step_may_single_out_only_charts_that_a_run_has(content, opening, attributes, words):
    text = opening.read_text()
    assert 'show="clip-explorer"' in text
    opening.write_text(text.replace('show="clip-explorer"', attributes, 1))
    found = [finding.problem for finding in check_course(content, run_code=False)]
    assert len(found) == (0 if words is None else 1)
    assert all(words in problem for problem in found)


def test_every_fault_is_listed_not_only_the_first(content, opening):
    text = opening.read_text().replace("cartpole", "x").replace("clip-explorer", "y")
    opening.write_text(text)
    assert len(check_course(content, run_code=False)) == 2


def test_a_failing_code_block_is_placed_by_its_line(content, opening):
    text = opening.read_text().replace("assert 1 + 1 == 2", "raise SystemExit(3)")
    opening.write_text(text)
    (finding,) = check_course(content)
    line = text.splitlines().index("```python run") + 1
    assert finding.where.endswith(f"01-opening.md:{line}")


def test_faults_in_a_prompt_are_found(content):
    prompt = content / "chapters/02-second/challenges/double/prompt.md"
    prompt.write_text("See [there](/learn/nowhere).")
    (finding,) = check_course(content)
    assert "leads nowhere" in finding.problem


def test_a_course_that_cannot_be_read_is_one_finding(content):
    (content / "course.yaml").write_text("title: [")
    (finding,) = check_course(content)
    assert "is not YAML" in finding.problem


@pytest.mark.parametrize(
    ("tex", "fault"),
    [
        (r"\frac{a}{b}", None),
        (r"\left( x \right) \leftarrow \{", None),
        (r"\left( x", r"\left and \right"),
        (r"\begin{cases} a \end{cases}", None),
        (r"\begin{cases} a", r"\begin{ and \end{"),
        (" ", "is empty"),
    ],
)
def test_plain_faults_of_formulas(tex, fault):
    found = tex_fault(tex)
    assert found is None if fault is None else fault in found
