"""Which lines of a README are code or raw HTML: CommonMark's block structure, no more of it.

Knows block quotes, list items, fences and HTML blocks (CommonMark 0.31, sections 4.5, 4.6 and 5);
knows nothing of what stands between them.
"""

import re
from dataclasses import dataclass
from enum import Enum, auto
from typing import NamedTuple

DEEPEST = 64  # containers in each other; deeper ones are taken for words
QUOTE = 0  # as a container; a list item is the columns by which its content is indented
FENCE = re.compile(r"(?P<fence>`{3,}(?=[^`]*\Z)|~{3,}).*")
ITEM = re.compile(r"(?P<marker>[-+*]|(?P<number>\d{1,9})[.)])(?P<gap> +|\Z)")
UNDERLINE = re.compile(r"(?:=+|-+) *")
HEADING = re.compile(r"#{1,6}(?: |\Z)")
BLANK = re.compile(r"\A *\Z")

HTML = [
    (re.compile(start, re.IGNORECASE), re.compile(end, re.IGNORECASE))
    for start, end in [
        (r"<(?:script|pre|style|textarea)(?=[ >]|\Z)", r"</(?:script|pre|style|textarea)>"),
        (r"<!--", r"-->"),
        (r"<\?", r"\?>"),
        (r"<!\[CDATA\[", r"\]\]>"),
        (r"<![a-z]", r">"),
    ]
]
"""Raw HTML that goes on over blank lines: how it starts, and what it ends with."""

BLOCK_TAG = re.compile(
    r"</?(?:address|article|aside|base|basefont|blockquote|body|caption|center|col|colgroup|dd"
    r"|details|dialog|dir|div|dl|dt|fieldset|figcaption|figure|footer|form|frame|frameset|h[1-6]"
    r"|head|header|hr|html|iframe|legend|li|link|main|menu|menuitem|nav|noframes|ol|optgroup"
    r"|option|p|param|search|section|summary|table|tbody|td|tfoot|th|thead|title|tr|track|ul)"
    r"(?= |/?>|\Z)",
    re.IGNORECASE,
)
ATTRIBUTE = r"""\s+[a-z_:][\w.:-]*(?:\s*=\s*(?:[^\s"'=<>`]+|'[^']*'|"[^"]*"))?"""
ANY_TAG = re.compile(
    rf"(?:<[a-z][a-z0-9-]*(?:{ATTRIBUTE})*\s*/?>|</[a-z][a-z0-9-]*\s*>)\s*", re.IGNORECASE
)


class Kind(Enum):
    """What the rest of a line is, after the block quotes and list items that it stands in."""

    WORDS = auto()
    HEADING = auto()
    HTML = auto()
    OTHER = auto()  # code, a rule, nothing


@dataclass(frozen=True, slots=True)
class Raw:
    """A run of lines that are not Markdown: how it was opened, on which line, what ends it."""

    opening: str
    line: int
    end: re.Pattern[str]

    @property
    def name(self) -> str:
        """What to call it in a sentence."""
        if FENCE.match(self.opening):
            return "code fence"
        if self.opening == "<!--":
            return "comment (<!--)"
        is_tag = self.opening.removeprefix("</").removeprefix("<").isalnum()
        return f"{self.opening}>" if is_tag else self.opening

    @property
    def kind(self) -> Kind:
        """What its lines are."""
        return Kind.OTHER if FENCE.match(self.opening) else Kind.HTML

    @property
    def ends_at_blank(self) -> bool:
        """Whether it is HTML that a blank line ends."""
        return self.end is BLANK

    def is_over_in(self, text: str) -> bool:
        """Whether the line that opens it ends it too."""
        can_be = not self.ends_at_blank and not FENCE.match(self.opening)
        return can_be and self.end.search(text) is not None


class Line(NamedTuple):
    """A line as it was read.

    Attributes:
        kept: How many of the containers before it are still open.
        depth: How many containers it stands in.
        text: What stands in there.
        kind: What that is.
    """

    kept: int
    depth: int
    text: str
    kind: Kind


NOTHING = Line(0, 0, "", Kind.OTHER)


class Blocks:
    """The structure so far; lines are fed in order, without their terminators."""

    def __init__(self) -> None:
        self._containers: list[int] = []
        self._raw: Raw | None = None
        self._in_paragraph = False
        self._in_empty_item = False
        self.line = NOTHING  # the last line

    @property
    def open_raw(self) -> Raw | None:
        """The raw run that the last line left open."""
        return self._raw

    @property
    def swallowing(self) -> Raw | None:
        """The raw run, if any, that would go on in text at the margin after a blank line."""
        is_over = self._containers or self._raw is None or self._raw.ends_at_blank
        return None if is_over else self._raw

    def feed(self, line: str, number: int) -> Raw | None:
        """Take the next line; the raw run that it goes on with or ends, if it is in one."""
        if not line and not self._containers and self._raw is None:  # soon said, and often so
            self._in_paragraph = False
            self.line = NOTHING
            return None
        depth, rest = self._descend(line.expandtabs(4))
        inside = self._raw
        if inside is not None and depth == len(self._containers):
            is_over = inside.end.search(rest) is not None
            self._raw = None if is_over else inside
            is_nothing = is_over and inside.ends_at_blank
            self.line = Line(depth, depth, rest, Kind.OTHER if is_nothing else inside.kind)
            return inside
        self._raw = None
        self._open(depth, rest, number)
        return None

    def _descend(self, rest: str) -> tuple[int, str]:
        """How many of the open containers the line is in, and what of it is left in there."""
        for depth, container in enumerate(self._containers):
            text = rest.lstrip(" ")
            indent = len(rest) - len(text)
            if container == QUOTE:
                if indent > 3 or not text.startswith(">"):
                    return depth, rest
                rest = text[1:].removeprefix(" ")
                continue
            ends = self._in_empty_item and depth == len(self._containers) - 1
            if (text and indent < container) or (not text and ends):
                return depth, rest
            rest = rest[container:]
        return len(self._containers), rest

    def _open(self, depth: int, rest: str, number: int) -> None:
        """Open what the rest of a line opens: containers first, then one leaf."""
        is_outside = depth < len(self._containers)
        in_paragraph = self._in_paragraph and not is_outside
        may_be_lazy = self._in_paragraph and is_outside
        containers = self._containers[:depth]
        while len(containers) < DEEPEST and (
            entered := _container(rest, in_paragraph=in_paragraph)
        ):
            container, rest = entered
            containers.append(container)
            in_paragraph = may_be_lazy = False
        text = rest.lstrip(" ")
        is_indented = bool(text) and len(rest) - len(text) > 3
        any_tag = not (in_paragraph or may_be_lazy)
        raw = None if is_indented else _raw_in(text, number, any_tag=any_tag)
        is_other = raw is not None or _is_other_leaf(text, in_paragraph=in_paragraph)
        is_words = bool(text) and not is_other
        if may_be_lazy and (is_words or is_indented):
            self.line = Line(len(self._containers), len(self._containers), text, Kind.WORDS)
            return  # it goes on with the paragraph that it seems to have left
        self._in_empty_item = not text and len(containers) > depth
        self._in_paragraph = (is_words and not is_indented) or (in_paragraph and is_indented)
        self._containers = containers
        self._raw = None if raw is None or raw.is_over_in(text) else raw
        is_heading = not is_indented and HEADING.match(text) is not None
        leaf = Kind.WORDS if self._in_paragraph else Kind.HEADING if is_heading else Kind.OTHER
        self.line = Line(depth, len(containers), text, raw.kind if raw else leaf)


def _container(rest: str, *, in_paragraph: bool) -> tuple[int, str] | None:
    """The block quote or list item that opens here, and what stands in it."""
    text = rest.lstrip(" ")
    indent = len(rest) - len(text)
    if indent > 3 or _is_rule(text):
        return None
    if text.startswith(">"):
        return QUOTE, text[1:].removeprefix(" ")
    if (item := ITEM.match(text)) is None:
        return None
    content = text[item.end() :]
    if in_paragraph and (not content or item["number"] not in {None, "1"}):
        return None
    # Code, when it is indented so far, or nothing at all: the content starts after one space.
    gap = len(item["gap"]) if content and len(item["gap"]) < 5 else 1
    columns = len(item["marker"]) + gap
    return indent + columns, text[columns:]


def _raw_in(text: str, number: int, *, any_tag: bool) -> Raw | None:
    """The code or raw HTML that opens here; `any_tag` is for tags that end no paragraph."""
    if fence := FENCE.fullmatch(text):
        same = re.escape(fence["fence"][0]) + f"{{{len(fence['fence'])},}}"
        return Raw(fence["fence"], number, re.compile(rf"\A {{0,3}}{same} *\Z"))
    for start, end in HTML:
        if opening := start.match(text):
            return Raw(opening.group(), number, end)
    if (tag := BLOCK_TAG.match(text)) or (any_tag and (tag := ANY_TAG.fullmatch(text))):
        return Raw(tag.group().split()[0], number, BLANK)
    return None


def _is_other_leaf(text: str, *, in_paragraph: bool) -> bool:
    """Whether a line is a heading or a rule."""
    underlines = in_paragraph and UNDERLINE.fullmatch(text) is not None
    return underlines or _is_rule(text) or HEADING.match(text) is not None


def _is_rule(text: str) -> bool:
    marks = text.replace(" ", "")
    return len(marks) >= 3 and marks[0] in "*-_" and marks.count(marks[0]) == len(marks)
