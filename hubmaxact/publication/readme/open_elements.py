"""HTML elements that a README opens and never closes: what is put at its end would stand in them.

Knows tags and which of them end others, as HTML does it (WHATWG, section 13.2.6), and where
Markdown reads none (CommonMark 0.31, section 6); what is a block is told by `markdown_blocks`.
"""

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

from hubmaxact.publication.readme.markdown_blocks import ATTRIBUTE, DEEPEST, Kind, Line

RAW_TEXT = frozenset(
    {
        "iframe",
        "noembed",
        "noframes",
        "noscript",
        "plaintext",
        "script",
        "style",
        "textarea",
        "title",
        "xmp",
    }
)
"""Nothing in these is a tag but their own end."""

SEALED = RAW_TEXT | {"object", "select", "template"}
"""They do not end with the block quote, the list item or the heading that they stand in."""

ENDED_BY_PARAGRAPH = frozenset(
    {"audio", "canvas", "datalist", "math", "meter", "progress", "rp", "svg", "video"}
)
"""They end with the paragraph in whose words they stand."""

HIDING = RAW_TEXT | ENDED_BY_PARAGRAPH | {"details", "dialog", "object", "select", "template"}
"""What stands in these is folded, not shown before somebody asks, or not at all."""

BLOCKS = frozenset(
    {
        "address",
        "article",
        "aside",
        "blockquote",
        "center",
        "dir",
        "div",
        "dl",
        "fieldset",
        "figcaption",
        "figure",
        "footer",
        "form",
        "header",
        "hgroup",
        "main",
        "menu",
        "nav",
        "ol",
        "pre",
        "search",
        "section",
        "table",
        "ul",
    }
)
LETTERS = frozenset(
    {"b", "big", "code", "em", "font", "i", "s", "small", "strike", "strong", "tt", "u"}
)
SHAPING = BLOCKS | LETTERS
"""What stands in these is shown, but not as if it stood alone."""

CELLS = frozenset({"caption", "td", "th"})
TABLE_PARTS = CELLS | {"colgroup", "tbody", "tfoot", "thead", "tr"}
WALLS = CELLS | {"object", "table", "template"}
"""An end tag within these ends nothing outside."""

TRACKED = HIDING | SHAPING
OPENING = re.compile(rf"<(?:{'|'.join(sorted(TRACKED))})(?![\w-])", re.IGNORECASE)

TAG = r"<(?P<end>/?)(?P<name>[a-z][a-z0-9-]*)"
COMMENT = r"(?P<comment><!--)|<[!?][^>]*+>?"
# In a block of HTML a browser reads what it finds; amid words Markdown wants a whole tag, and the
# backslash and code go before it.
IN_HTML = re.compile(
    rf"""(?P<code>(?!))|{COMMENT}"""
    rf"""|{TAG}(?:[\s/](?:=\s*+(?:"[^"]*+"|'[^']*+')|[^<>])*+)?(?:>|\Z)""",
    re.IGNORECASE,
)
IN_WORDS = re.compile(
    rf"(?P<code>`+)|\\[!-/:-@\[-`{{-~]|{COMMENT}|{TAG}(?:{ATTRIBUTE})*+\s*+/?>",
    re.IGNORECASE,
)
TAGS_IN = {Kind.HTML: IN_HTML, Kind.WORDS: IN_WORDS, Kind.HEADING: IN_WORDS}
"""The kinds of lines that hold tags, and how they are found there."""


class Element(NamedTuple):
    """An element: its name, the line of its tag, and the block quotes and list items it is in."""

    name: str
    line: int
    depth: int

    @property
    def hides(self) -> bool:
        """Whether what stands in it is not shown."""
        return self.name in HIDING


class OpenElements:
    """The elements that are open so far; lines are fed in order, as `Blocks` has read them."""

    def __init__(self) -> None:
        self._stack: list[Element] = []
        self._run: list[tuple[int, Line]] = []

    def feed(self, line: Line, number: int) -> None:
        """Take the next line."""
        if self._run and not _goes_on(self._run[-1][1], line):
            self._read_run()
        self._stack = [each for each in self._stack if each.depth <= line.kept]
        if line.kind in TAGS_IN:
            self._run.append((number, line))

    def at_the_margin(self) -> tuple[Element, ...]:
        """What is still open for text that follows at the margin, the outermost first."""
        self._read_run()
        return tuple(each for each in self._stack if each.depth == 0)

    def _read_run(self) -> None:
        """Read the tags of a run of lines, over whose ends a tag may go."""
        if not self._run:
            return
        (number, line), *_ = self._run
        text, counted = "\n".join(each.text for _, each in self._run), 0
        for tag in _tags(text, TAGS_IN[line.kind]):
            number += text.count("\n", counted, tag.start())
            counted = tag.start()
            self._take(tag, number, line)
        self._run = []

    def _take(self, tag: re.Match[str], number: int, line: Line) -> None:
        name, is_end = tag["name"].lower(), bool(tag["end"])
        last = self._stack[-1].name if self._stack else ""
        if last in RAW_TEXT and not (is_end and name == last):
            return
        if name in TABLE_PARTS or (is_end and name == "table"):
            self._end_cell()
        if is_end:
            self._end(name)
        elif name in TRACKED or (name in CELLS and self._is_open("table")):
            depth = _depth(name, line)
            if len(self._stack) < DEEPEST:
                self._stack.append(Element(name, number, depth))

    def _is_open(self, name: str) -> bool:
        return any(each.name == name for each in self._stack)

    def _end_cell(self) -> None:
        """A part of a table or its end ends the cell before it, and what was left open there."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place].name == "table":
                del self._stack[place + 1 :]
                return

    def _end(self, name: str) -> None:
        """End the last element of this name, and with it what was opened in it."""
        for place in range(len(self._stack) - 1, -1, -1):
            if self._stack[place].name == name:
                del self._stack[place:]
                return
            if self._stack[place].name in WALLS:
                return


def _depth(name: str, line: Line) -> int:
    """How many containers an element is in that end it; the words that end it are one, too."""
    is_in_cell = line.kind is Kind.WORDS and line.text.startswith("|")
    if name in SEALED and not (is_in_cell and name not in RAW_TEXT):
        return 0
    return line.depth + _ends_with_its_words(name, line)


def _ends_with_its_words(name: str, line: Line) -> bool:
    """Whether the heading, the cell of a table or the paragraph ends what is opened in it."""
    if line.kind is not Kind.WORDS:
        return line.kind is Kind.HEADING
    return name in ENDED_BY_PARAGRAPH or line.text.startswith("|")


def _goes_on(before: Line, line: Line) -> bool:
    """Whether a line is read together with the one before it."""
    is_same_place = before.depth == line.kept == line.depth
    return is_same_place and line.kind is before.kind and line.kind is not Kind.HEADING


def _tags(text: str, pattern: re.Pattern[str]) -> Iterator[re.Match[str]]:
    """The tags in a run of lines, without those in code and comments."""
    fences, last_end, position = _fences(text), text.rfind("-->"), 0
    while token := pattern.search(text, position):
        position = token.end()
        if token["name"]:
            yield token
        elif token["code"]:
            position = _code_end(fences[len(token["code"])], position)
        elif token["comment"] and last_end >= position - 2:  # <!--> is one, too
            position = text.index("-->", position - 2) + 3
        elif token["comment"] and pattern is IN_HTML:
            return


def _fences(text: str) -> dict[int, list[int]]:
    """Where runs of backticks end, by their length."""
    found: dict[int, list[int]] = defaultdict(list)
    for run in re.finditer("`+", text):
        found[len(run.group())].append(run.end())
    return found


def _code_end(ends: list[int], position: int) -> int:
    """Where code ends that a run of backticks opens; a run without its like is words."""
    following = bisect_left(ends, position + 1)
    return ends[following] if following < len(ends) else position
