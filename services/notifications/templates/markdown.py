"""Markdown as HTML, and as a plain text that reads well. Raw HTML is never let through."""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from string import punctuation

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore
from markdown_it.token import Token
from markdown_it.tree import SyntaxTreeNode

from services.notifications.templates.errors import CannotRender

RULES = (
    *("heading", "list", "blockquote", "hr"),
    *("emphasis", "link", "autolink", "escape", "entity", "newline"),
)
_PUNCTUATION = re.compile(f"([{re.escape(punctuation)}])")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029]")
# The parser's time grows with the square of the number of opening and closing marks in a paragraph.
MAX_MARKS = 1000
_ACTIVE = re.compile(r"(?<!\\)[\[\]*_<>]")
# Outlook for Windows draws the background and the padding of a table's cell, and not those of a link.
BUTTON = (
    '<table role="presentation" cellpadding="0" cellspacing="0" border="0" style="margin: 16px 0;"><tr>\n'
    '<td class="button" bgcolor="#0b4f8a" style="border-radius: 4px; padding: 12px 20px;">\n'
    "LINK\n</td></tr></table>\n"
)
BUTTON_LINK = "color: #ffffff; font-weight: bold; text-decoration: none;"
_LINK = re.compile(r"(https?://|mailto:)", re.IGNORECASE)


@cache
def markdown() -> MarkdownIt:
    """The part of CommonMark that a mail needs: no HTML, no images, no code. A line break stays a line break.

    Links lead to http, https and mailto only.
    """
    parser = _parser().disable("text_join")
    parser.core.ruler.at("inline", _inside_of_paragraphs)
    return parser


def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"breaks": True, "html": False}).enable(list(RULES))
    parser.validateLink = lambda url: _LINK.match(url) is not None  # type: ignore[method-assign]
    return parser


def _inside_of_paragraphs(state: StateCore) -> None:
    for token in state.tokens:
        if token.type == "inline":
            if len(_ACTIVE.findall(token.content)) > MAX_MARKS:
                raise CannotRender(f"A paragraph has more than {MAX_MARKS} brackets, stars and underlines.")
            token.children = _inside(token.content)


@lru_cache(maxsize=512)
def _inside(paragraph: str) -> list[Token]:
    """A paragraph's tokens, cached and not to be changed: the mails of a batch share most of their paragraphs."""
    return _inline_parser().parseInline(paragraph)[0].children or []


def forget_paragraphs() -> None:
    """Empties the cache of paragraphs, which hold names of recipients."""
    _inside.cache_clear()


@cache
def _inline_parser() -> MarkdownIt:
    return _parser()


def escape_line(text: str) -> str:
    """Markdown that shows `text` as it is, on one line.

    CommonMark 0.31, 2.4: any ASCII punctuation character may be escaped with a backslash.
    """
    return _PUNCTUATION.sub(r"\\\1", one_line(text))


def escape_paragraphs(text: str) -> str:
    """Markdown that shows `text` as it is, with its line breaks and paragraphs."""
    lines = re.sub(r"\r\n?", "\n", text).split("\n")
    return re.sub(r"\n{3,}", "\n\n", "\n".join(escape_line(line) for line in lines)).strip("\n")


def one_line(text: str) -> str:
    """`text` on one line, without control characters."""
    return " ".join(_CONTROL.sub(" ", text).split())


def to_html_and_text(source: str) -> tuple[str, str]:
    """A Markdown text as HTML, and as plain text: no marks, links written out, paragraphs apart.

    In HTML a link that is a paragraph of its own is a button.
    """
    parser = markdown()
    tokens = parser.parse(source)
    html = parser.renderer.render(list(_with_buttons(tokens)), parser.options, {})
    return str(html), _blocks(SyntaxTreeNode(tokens))


def _with_buttons(tokens: Sequence[Token]) -> Iterator[Token]:
    place = 0
    while place < len(tokens):
        inline = tokens[place + 1] if tokens[place].type == "paragraph_open" and tokens[place].level == 0 else None
        if inline is not None and _is_one_link(inline.children or []):
            yield Token("html_block", "", 0, content=_button(inline.children or []))
            place += 3  # the paragraph's opening, its inside, its closing
        else:
            yield tokens[place]
            place += 1


def _is_one_link(inside: Sequence[Token]) -> bool:
    kinds = [token.type for token in inside]
    return len(kinds) > 2 and kinds[0] == "link_open" and kinds[-1] == "link_close" and "link_open" not in kinds[1:]


def _button(inside: Sequence[Token]) -> str:
    parser = markdown()
    link = parser.renderer.render([Token("inline", "", 0, children=list(inside))], parser.options, {})
    return BUTTON.replace("LINK", str(link).replace("<a ", f'<a style="{BUTTON_LINK}" ', 1))


def _blocks(node: SyntaxTreeNode, between: str = "\n\n") -> str:
    return between.join(_block(child) for child in node.children)


def _block(node: SyntaxTreeNode) -> str:
    match node.type:
        case "bullet_list":
            return _items(node, ["-"] * len(node.children))
        case "ordered_list":
            first = int(node.attrs.get("start", 1))
            return _items(node, [f"{number}." for number in range(first, first + len(node.children))])
        case "blockquote":
            return "\n".join(f"> {line}".rstrip() for line in _blocks(node).split("\n"))
        case "hr":
            return "———"
        case _:  # a paragraph or a heading
            return "".join(_inline(child) for child in node.children)


def _items(node: SyntaxTreeNode, marks: list[str]) -> str:
    loose = any(child.type == "paragraph" and not child.hidden for item in node.children for child in item.children)
    items = (
        f"{mark} " + _blocks(item, "\n\n" if loose else "\n").replace("\n", "\n" + " " * (len(mark) + 1))
        for mark, item in zip(marks, node.children, strict=True)
    )
    return ("\n\n" if loose else "\n").join(items)


def _inline(node: SyntaxTreeNode) -> str:
    if node.type in ("softbreak", "hardbreak"):
        return "\n"
    inside = "".join(_inline(child) for child in node.children) if node.children else node.content
    return _link(node, inside) if node.type == "link" else inside


def _link(node: SyntaxTreeNode, label: str) -> str:
    """`label: address` at the end of a line, `label (address)` within one; an address alone as it is."""
    address = str(node.attrs.get("href", ""))
    if label in (address, address.removeprefix("mailto:")):
        return label
    following = node.next_sibling
    ends = following is None or following.type in ("softbreak", "hardbreak")
    return f"{label}: {address}" if ends else f"{label} ({address})"
