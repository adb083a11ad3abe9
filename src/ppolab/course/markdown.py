"""CommonMark with formulas and role terms, parsed to blocks.

Beside CommonMark and tables: `$…$` and `$$…$$` are formulas, and `:critic[the critic]` marks a term
with the colour of its role. HTML and images are refused, for the page renders blocks, not HTML.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal, cast, get_args

from markdown_it import MarkdownIt
from markdown_it.rules_inline import StateInline
from markdown_it.token import Token
from mdit_py_plugins.dollarmath import dollarmath_plugin

from ppolab.course.ast import (
    Block,
    BreakInline,
    CodeBlock,
    CodeInline,
    HeadingBlock,
    Inline,
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
from ppolab.course.model import ContentError

Role = Literal["actor", "critic", "reward", "reference", "keyword"]
ROLES = get_args(Role)
ROLE_TERM = re.compile(r":([a-z]+)\[")


def parser() -> MarkdownIt:
    """A CommonMark parser that knows tables, formulas and role terms, and no HTML."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    dollarmath_plugin(markdown, allow_labels=False, double_inline=True)
    markdown.inline.ruler.before("link", "role_term", role_term)
    # Ends a run of plain text at ":", so that the rule above gets to see it.
    markdown.inline.add_terminator_char(":")
    return markdown


def role_term(state: StateInline, silent: bool) -> bool:
    """Read `:role[words]` as a styled span whose words may hold further markup."""
    match = ROLE_TERM.match(state.src, state.pos)
    if match is None:
        return False
    opening = match.end() - 1
    closing = state.md.helpers.parseLinkLabel(state, opening)
    if closing < 0:
        return False
    if not silent:
        end = state.posMax
        token = state.push("role_open", "", 1)
        token.info = match.group(1)
        state.pos, state.posMax = opening + 1, closing
        state.md.inline.tokenize(state)
        state.push("role_close", "", -1)
        state.posMax = end
    state.pos = closing + 1
    return True


class Converter:
    """Turns the flat tokens of one piece of Markdown into nested blocks."""

    def __init__(self, where: str, first_line: int, ids: set[str]) -> None:
        self.where = where
        self.first_line = first_line  # the line of the file on which the piece begins
        self.ids = ids  # heading ids in use in this document

    def blocks(self, tokens: Iterator[Token], until: str | None = None) -> list[Block]:
        """Convert tokens up to the closing type `until`, or all of them."""
        found: list[Block] = []
        for token in tokens:
            if token.type == until:
                break
            found.append(self.block(token, tokens))
        return found

    def block(self, token: Token, rest: Iterator[Token]) -> Block:
        """Convert one block, taking its inner tokens from `rest`."""
        match token.type:
            case "heading_open":
                inline = next(rest)
                next(rest)
                children = self.inlines(inline)
                return HeadingBlock(
                    level=int(token.tag[1]), id=self.heading_id(inline), children=children
                )
            case "paragraph_open":
                children = self.inlines(next(rest))
                next(rest)
                return ParagraphBlock(children=children)
            case "bullet_list_open" | "ordered_list_open":
                return self.list_block(token, rest)
            case "fence" | "code_block":
                # Further words, as in "python run", are for `check_course`.
                language = token.info.strip().split(" ")[0]
                return CodeBlock(language=language, text=token.content)
            case "math_block":
                return MathBlock(tex=token.content.strip())
            case "blockquote_open":
                return QuoteBlock(children=self.blocks(rest, "blockquote_close"))
            case "table_open":
                return self.table(rest)
        raise self.error(token, token.markup or token.type, "is not part of a lesson")

    def list_block(self, token: Token, rest: Iterator[Token]) -> ListBlock:
        """Convert a list; each item is a list of blocks."""
        closing = token.type.replace("open", "close")
        items: list[list[Block]] = []
        for inner in rest:
            if inner.type == closing:
                break
            items.append(self.blocks(rest, "list_item_close"))
        return ListBlock(ordered=token.type.startswith("ordered"), items=items)

    def table(self, rest: Iterator[Token]) -> TableBlock:
        """Convert a table: the first row is its header."""
        rows: list[list[list[Inline]]] = []
        for token in rest:
            if token.type == "table_close":
                break
            if token.type == "tr_open":
                rows.append([])
            elif token.type == "inline":
                rows[-1].append(self.inlines(token))
        return TableBlock(header=rows[0], rows=rows[1:])

    def inlines(self, token: Token) -> list[Inline]:
        """Convert the inner tokens of a line of text."""
        return self.inline_run(iter(token.children or []), None, token)

    def inline_run(self, tokens: Iterator[Token], until: str | None, line: Token) -> list[Inline]:
        """Convert inline tokens up to the closing type `until`, joining neighbouring texts."""
        found: list[Inline] = []
        for token in tokens:
            if token.type == until:
                break
            inline = self.inline(token, tokens, line)
            if isinstance(inline, TextInline):
                if not inline.text:
                    continue
                if found and isinstance(found[-1], TextInline):
                    found[-1] = TextInline(text=found[-1].text + inline.text)
                    continue
            found.append(inline)
        return found

    def inline(self, token: Token, rest: Iterator[Token], line: Token) -> Inline:
        """Convert one inline, taking its inner tokens from `rest`."""
        match token.type:
            case "text" | "text_special":
                return TextInline(text=token.content)
            case "softbreak":
                return TextInline(text=" ")
            case "hardbreak":
                return BreakInline()
            case "code_inline":
                return CodeInline(text=token.content)
            case "math_inline" | "math_inline_double":
                return MathInline(tex=token.content.strip())
            case "em_open":
                return StyledInline(
                    type="emphasis", children=self.inline_run(rest, "em_close", line)
                )
            case "strong_open":
                return StyledInline(
                    type="strong", children=self.inline_run(rest, "strong_close", line)
                )
            case "link_open":
                href = str(token.attrs["href"])
                return LinkInline(
                    href=href,
                    external=href.startswith(("http://", "https://")),
                    children=self.inline_run(rest, "link_close", line),
                )
            case "role_open":
                if token.info not in ROLES:
                    raise self.error(
                        line, f":{token.info}[", "is no role", f"Known: {', '.join(ROLES)}."
                    )
                children = self.inline_run(rest, "role_close", line)
                return StyledInline(type=cast(Role, token.info), children=children)
        raise self.error(line, token.content or token.type, "is not part of a lesson")

    def heading_id(self, inline: Token) -> str:
        """A readable anchor, made from the words and unique in the document."""
        words = re.sub(r"[^a-z0-9]+", "-", inline.content.lower()).strip("-") or "part"
        name, count = words, 2
        while name in self.ids:
            name, count = f"{words}-{count}", count + 1
        self.ids.add(name)
        return name

    def error(
        self,
        token: Token,
        value: Any,
        problem: str,
        mend: str = "Use text, lists, tables, code, formulas, quotes or a directive.",
    ) -> ContentError:
        """An error that names the file and line of a token."""
        line = self.first_line + (token.map[0] if token.map else 0)
        return ContentError(f"{self.where}:{line}", value, problem, mend)


def parse_markdown(
    text: str, where: str = "text", first_line: int = 1, ids: set[str] | None = None
) -> list[Block]:
    """Parse Markdown without directives. `where` and `first_line` name the place in errors."""
    converter = Converter(where, first_line, set() if ids is None else ids)
    return converter.blocks(iter(parser().parse(text)))


def parse_inline(text: str, where: str = "text", line: int = 1) -> list[Inline]:
    """Parse one line of text."""
    blocks = parse_markdown(text, where, line)
    if len(blocks) == 1 and isinstance(blocks[0], ParagraphBlock):
        return blocks[0].children
    raise ContentError(f"{where}:{line}", text, "is not one line of text", "Write one sentence.")
