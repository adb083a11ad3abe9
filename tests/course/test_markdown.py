import pytest

from ppolab.course import ContentError
from ppolab.course.ast import (
    CodeBlock,
    CodeInline,
    HeadingBlock,
    LinkInline,
    ListBlock,
    MathBlock,
    MathInline,
    ParagraphBlock,
    QuoteBlock,
    StyledInline,
    TableBlock,
    TextInline,
)
from ppolab.course.markdown import parse_markdown


def inlines(text):
    (paragraph,) = parse_markdown(text)
    assert isinstance(paragraph, ParagraphBlock)
    return paragraph.children


def test_a_role_term_holds_markup_and_formulas():
    assert inlines(":critic[the *value* $V$] says") == [
        StyledInline(
            type="critic",
            children=[
                TextInline(text="the "),
                StyledInline(type="emphasis", children=[TextInline(text="value")]),
                TextInline(text=" "),
                MathInline(tex="V"),
            ],
        ),
        TextInline(text=" says"),
    ]


def test_colons_and_brackets_that_are_no_role_stay_text():
    assert inlines("Note: see [1]; a:b and 10:30") == [
        TextInline(text="Note: see [1]; a:b and 10:30")
    ]


def test_a_role_term_inside_code_stays_code():
    assert inlines("`:actor[x]`") == [CodeInline(text=":actor[x]")]


def test_an_unknown_role_names_file_line_and_the_known_roles():
    with pytest.raises(ContentError) as caught:
        parse_markdown("Fine.\n\nThe :agent[policy].", "lesson.md", first_line=10)
    assert caught.value.field == "lesson.md:12"
    assert "actor, critic, reward, reference, keyword" in str(caught.value)


def test_blocks_keep_their_order_and_nesting():
    text = "## One\n\n- a\n  - b\n\n> quoted\n\n```python\nx = 1\n```\n\n$$\ny\n$$\n"
    heading, outer, quote, code, formula = parse_markdown(text)
    assert heading == HeadingBlock(level=2, id="one", children=[TextInline(text="One")])
    assert isinstance(outer, ListBlock)
    assert not outer.ordered
    (item,) = outer.items
    assert isinstance(item[1], ListBlock)
    assert item[1].items == [[ParagraphBlock(children=[TextInline(text="b")])]]
    assert quote == QuoteBlock(children=[ParagraphBlock(children=[TextInline(text="quoted")])])
    assert code == CodeBlock(language="python", text="x = 1\n")
    assert formula == MathBlock(tex="y")


def test_a_table_parts_its_header_from_its_rows():
    (table,) = parse_markdown("| a | b |\n|---|---|\n| 1 | $x$ |\n| 2 | `y` |\n")
    assert isinstance(table, TableBlock)
    assert table.header == [[TextInline(text="a")], [TextInline(text="b")]]
    assert table.rows[0] == [[TextInline(text="1")], [MathInline(tex="x")]]
    assert table.rows[1] == [[TextInline(text="2")], [CodeInline(text="y")]]


def test_links_know_whether_they_leave_the_course():
    inside, _, outside = inlines("[a](/learn/x/y) [b](https://example.org)")
    assert isinstance(inside, LinkInline)
    assert isinstance(outside, LinkInline)
    assert (inside.external, outside.external) == (False, True)


def test_headings_with_the_same_words_get_different_anchors():
    blocks = parse_markdown("## A b\n\n## A b\n")
    assert [block.id for block in blocks] == ["a-b", "a-b-2"]


def test_html_is_shown_as_text_and_never_passed_on_as_html():
    assert inlines("<script>alert(1)</script>") == [TextInline(text="<script>alert(1)</script>")]


def test_an_image_is_refused_with_its_line():
    with pytest.raises(ContentError, match=r"text:3"):
        parse_markdown("a\n\n![alt](x.png)")


def test_a_dangerous_link_is_not_made_a_link():
    assert all(not isinstance(inline, LinkInline) for inline in inlines("[a](javascript:alert(1))"))
