"""Adding one tag to a README's YAML front matter, as text: no other character moves.

YAML is only read, never written back: a round trip would drop comments, turn `no` into `false`
and reorder keys. Where the edit cannot be proved harmless the text stays and advice is returned.
Knows YAML and tags; knows nothing of sections, files or the Hub.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import yaml

TAG = "activation-maxima"
MAX_DEPTH = 32  # deeper nesting than any model card's; the composer is recursive
FENCE = re.compile(r"---[ \t]*\Z")
LINE = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")
LAST_END = re.compile(r"(?:\r\n|\r|\n)\Z")
TEXT_OF_LINES = re.compile(r"[|>][-+0-9]{0,2}[ \t]*[\r\n#]")
# The C loader is the same grammar, ten times as fast; some cards carry a megabyte of results.
LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unsuitable(Exception):  # noqa: N818 never leaves this module, it is a reason and not a fault
    """Why this front matter is left alone."""


class Prose(Unsuitable):
    """Why what stands between two lines of dashes is no front matter at all."""


@dataclass(frozen=True, slots=True)
class Span:
    """Where the YAML between the two `---` lines starts and ends, and where the README goes on."""

    start: int
    end: int
    after: int


def find(text: str) -> Span | None:
    """The front matter of `text`, or None if the text does not open with `---` or never closes it.

    `text` has no byte order mark. Blank lines may come first, as in the Hub's own reading.
    """
    lines = lines_of(text)
    opening = next((line for line in lines if line.group().strip()), None)
    if opening is None or not FENCE.match(opening.group().rstrip("\r\n")):
        return None
    for line in lines:
        if FENCE.match(line.group().rstrip("\r\n")):
            return Span(opening.end(), line.start(), line.end())
    return None


def lines_of(text: str) -> Iterator[re.Match[str]]:
    """Every line of `text` with its terminator, as matches; a bare CR ends a line too."""
    return (line for line in LINE.finditer(text) if line.group())


def body_start(text: str) -> int:
    """Where the README's own text starts: after the front matter, if there really is one.

    Prose between two horizontal rules is text and not front matter.
    """
    span = find(text)
    if span is None:
        return 0
    try:
        _compose(text[span.start : span.end])
    except Prose:
        return 0
    except Unsuitable:  # YAML that is not edited is front matter all the same
        pass
    return span.after


def add_tag(text: str, eol: str) -> tuple[str, str | None]:
    """Add the tag to the front matter of `text`, making one if there is none.

    Returns the new text and None, or the text as it was and advice for its owner.
    """
    try:
        return _tagged(text, eol), None
    except Unsuitable as reason:
        advice = f"The README's tags were left alone: {reason}. Add the tag {TAG} there by hand."
        return text, advice


def _tagged(text: str, eol: str) -> str:
    span = find(text)
    if span is not None:
        body = _with_tag(text[span.start : span.end], eol)
        return text[: span.start] + body + text[span.end :]
    if text.lstrip().startswith("---"):
        raise Unsuitable("it opens with --- but no front matter can be read there")
    gap = eol if text.strip() else ""
    return f"---{eol}tags:{eol}- {TAG}{eol}---{eol}{gap}{text}"


def _with_tag(body: str, eol: str) -> str:
    for edited in _edits(body, _compose(body), eol):
        if edited == body or _only_tag_added(body, edited):
            return edited
    raise Unsuitable("its tags cannot be extended without touching other keys")


def _compose(body: str) -> yaml.MappingNode | None:
    """Read the YAML as nodes with positions; None when it is empty."""
    try:
        _refuse_unusual(body)
        root = yaml.compose(body, LOADER)
    except yaml.YAMLError as error:
        raise Prose("its front matter is not valid YAML") from error
    if root is None:
        return None
    if not isinstance(root, yaml.MappingNode):
        raise Prose("its front matter is not a list of keys and values")
    if root.flow_style:
        raise Unsuitable("its front matter is not a list of keys and values")
    keys = [key.value for key, _ in root.value if isinstance(key, yaml.ScalarNode)]
    if len(set(keys)) < len(root.value):
        raise Unsuitable("its front matter has a key twice")
    return root


def _refuse_unusual(body: str) -> None:
    """Refuse anchors, type tags and depth before anything recursive reads the YAML."""
    depth = 0
    for event in yaml.parse(body, LOADER):
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise Unsuitable("its front matter uses YAML anchors")
        if getattr(event, "tag", None):
            raise Unsuitable("its front matter uses YAML type tags")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > MAX_DEPTH:
            raise Unsuitable("its front matter is nested too deeply")


def _edits(body: str, root: yaml.MappingNode | None, eol: str) -> Iterator[str]:
    """The texts that may have the tag and nothing else new, the most natural first."""
    indent = " " * (root.start_mark.column if root else 0)
    pairs = {key.value: (key, value) for key, value in (root.value if root else [])}
    if "tags" in pairs:
        yield _extended(body, *pairs["tags"], indent, eol)
        return
    lines = f"{indent}tags:{eol}{indent}- {TAG}{eol}"
    yield body + lines
    if root is not None:
        # A last text of several lines would gain a line end that it has only before another key.
        last, _ = root.value[-1]
        yield _insert(body, last.start_mark.index - last.start_mark.column, lines)


def _extended(body: str, key: yaml.Node, tags: yaml.Node, indent: str, eol: str) -> str:
    if isinstance(tags, yaml.SequenceNode):
        return _extend(body, tags, eol)
    if not isinstance(tags, yaml.ScalarNode) or tags.style in {"|", ">"}:
        raise Unsuitable("its tags are neither a list nor a word")
    if tags.value == TAG:
        return body
    if not tags.value and not tags.style:
        return _insert(body, _next_line(body, key.end_mark.index), f"{indent}- {TAG}{eol}")
    start, end = tags.start_mark.index, tags.end_mark.index
    return f"{body[:start]}[{body[start:end]}, {TAG}]{body[end:]}"


def _extend(body: str, tags: yaml.SequenceNode, eol: str) -> str:
    items = tags.value
    if any(isinstance(item, yaml.ScalarNode) and item.value == TAG for item in items):
        return body
    if tags.flow_style and not items:
        return _insert(body, tags.start_mark.index + 1, TAG)
    if tags.flow_style:
        return _insert(body, items[-1].end_mark.index, f", {TAG}")
    if items[-1].start_mark.line != items[-1].end_mark.line:
        raise Unsuitable("its last tag spans several lines")
    item = f"{' ' * tags.start_mark.column}- {TAG}{eol}"
    return _insert(body, _next_line(body, items[-1].end_mark.index), item)


def _insert(body: str, position: int, insertion: str) -> str:
    return body[:position] + insertion + body[position:]


def _next_line(body: str, position: int) -> int:
    line = LINE.match(body, position)
    assert line is not None, "the pattern matches the empty string"
    return line.end()


def _load(body: str) -> dict[object, object]:
    try:
        loaded = yaml.load(body, LOADER)  # noqa: S506 LOADER is one of the safe ones
    except (yaml.YAMLError, ValueError) as error:  # ValueError: a date that does not exist
        raise Unsuitable("its front matter is not valid YAML") from error
    if loaded is not None and not isinstance(loaded, dict):
        raise Unsuitable("its front matter is not a list of keys and values")
    return loaded or {}


def _only_tag_added(before: str, after: str) -> bool:
    """Whether only the tag is new, however much of the end a reader takes for part of the `---`."""
    # Only a text of several lines can tell the readings apart, and reading is slow.
    readers = READERS if TEXT_OF_LINES.search(before) else READERS[:1]
    readings = {(read(before), read(after)) for read in readers}
    return all(_is_tag_added(_load(one), _load(other)) for one, other in readings)


def _without_last_end(body: str) -> str:
    """As the Hub and its client read it: the last line end belongs to the closing line."""
    return LAST_END.sub("", body)


def _without_ends(body: str) -> str:
    """As older clients read it."""
    return body.rstrip("\r\n")


READERS = (str, _without_last_end, _without_ends)


def _is_tag_added(before: dict[object, object], after: dict[object, object]) -> bool:
    """By repr: 1, 1.0 and True differ, .nan does not. Where the tags stand says nothing."""
    tags = before.pop("tags", None)
    listed = tags if isinstance(tags, list) else [] if tags is None else [tags]
    return repr(after.pop("tags", None)) == repr([*listed, TAG]) and repr(after) == repr(before)
