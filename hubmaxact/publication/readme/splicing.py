"""Splicing the section into a README: bytes in, bytes out, and nothing outside our markers moves.

Knows lines and markers; knows nothing of reports or the Hub. What is code or raw HTML is told by
`markdown_blocks`; the front matter's one tag is `front_matter`'s business.
"""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from hubmaxact.errors import ReadmeError
from hubmaxact.files import is_lfs_pointer
from hubmaxact.publication.readme import front_matter
from hubmaxact.publication.readme.markdown_blocks import Blocks, Raw
from hubmaxact.publication.readme.open_elements import OPENING, Element, OpenElements

BEGIN = "<!-- hubmaxact:begin -->"
END = "<!-- hubmaxact:end -->"
MAX_README_BYTES = 5_000_000
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
MARKER = re.compile(r" {0,3}(?P<marker><!-- hubmaxact:(?:begin|end) -->)[ \t]*")


@dataclass(frozen=True, slots=True)
class Edit:
    """A README with the section in it, and what its owner should still do by hand."""

    content: bytes
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker, where it starts and ends in the text, its line from 1, and the HTML it is in."""

    text: str
    start: int
    end: int
    line: int
    inside: Raw | None


@dataclass(frozen=True, slots=True)
class Scan:
    """The markers found, and what a section at the end would be taken for or stand in."""

    markers: list[Marker]
    swallowing: Raw | None
    open_elements: tuple[Element, ...]


def edit(readme: bytes | None, section: str) -> Edit:
    """Put `section` between the markers of `readme`, or at its end, and the tag into its YAML.

    Editing the result again with the same section changes nothing.

    Args:
        readme: The file's content. None: there is no README yet.
        section: From its heading to its last newline; it holds no markers.

    Returns:
        The new content, and what its owner should do by hand.

    Raises:
        ReadmeError: The README cannot be edited without risk to what is in it.
    """
    if BEGIN in section or END in section:
        raise ValueError("a section must not contain the markers")
    text = _decode(readme or b"")
    bom, text = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    # Markers first: lines in a refusal are then those of the file as it is.
    body = front_matter.body_start(text)
    found = _scan(text, body)
    head, tail = _around(text, found)
    # By what stays: by what an earlier section used, the next edit might decide otherwise.
    eol = _dominant_eol(head + tail)
    text = _splice(head, section, tail, eol)
    placed = _scan(text, body)
    if [marker.text for marker in placed.markers] != [BEGIN, END]:
        raise ValueError("the section leaves a code fence open")
    advice = list(_on_the_place(found, placed))
    text, on_the_tag = front_matter.add_tag(text, eol)
    return Edit((bom + text).encode(), (*advice, *([on_the_tag] if on_the_tag else [])))


def _decode(readme: bytes) -> str:
    if len(readme) > MAX_README_BYTES:
        raise ReadmeError(
            f"the README has {len(readme):,} bytes, more than the {MAX_README_BYTES:,} that are "
            "edited. Shorten it, or add the section by hand."
        )
    if is_lfs_pointer(readme):
        raise ReadmeError("the README is a Git LFS pointer, not text. Store it as a regular file.")
    try:
        text = readme.decode()
    except UnicodeDecodeError as error:
        raise ReadmeError(
            f"the README is not UTF-8 (byte {error.start:,}). Convert it to UTF-8 first."
        ) from error
    if "\0" in text:
        raise ReadmeError("the README holds NUL bytes. Convert it to UTF-8 first.")
    return text


def _dominant_eol(text: str) -> str:
    """The line ending used most often; a line feed when there is none."""
    counts = Counter(re.findall(r"\r\n|\r|\n", text))
    return max(("\n", "\r\n", "\r"), key=lambda eol: counts[eol])


def _around(text: str, scan: Scan) -> tuple[str, str]:
    """What stands before and after the section: everything and nothing if there is none."""
    kinds = [marker.text for marker in scan.markers]
    if kinds and kinds != [BEGIN, END]:
        raise ReadmeError(_damage(scan.markers))
    begin, end = scan.markers or (None, None)
    if begin is None or end is None:
        if scan.swallowing and not scan.swallowing.end.search(BEGIN):
            raise ReadmeError(_swallowed(scan.swallowing.name, scan.swallowing.line))
        return text, ""
    if begin.inside:
        raise ReadmeError(
            f"the marker on line {begin.line} of the README stands within {begin.inside.name} of "
            f"line {begin.inside.line}, where Markdown is not read. Put a blank line before it."
        )
    return text[: begin.start], text[end.end :]


def _on_the_place(found: Scan, placed: Scan) -> Iterator[str]:
    """Advice on what is open where the section stands, which is refused if it hides a new one."""
    begin, is_new = placed.markers[0], not found.markers
    around = [each for each in placed.open_elements if each.line < begin.line]
    hiding = next((each for each in around if each.hides), None)
    if hiding and is_new:
        raise ReadmeError(_swallowed(f"<{hiding.name}>", hiding.line))
    for each in [hiding] if hiding else around[:1]:
        how = "is hidden with it" if each.hides else "is laid out as part of it"
        yield (
            f"The <{each.name}> opened on line {each.line} of the README is never closed, so the "
            f"section {how}. Close it before the section."
        )
    if is_new and (ended := found.swallowing):
        yield (
            f"The {ended.name} opened on line {ended.line} of the README is never closed; the "
            "first line of the section ends it now. Close it where it should end."
        )


def _splice(head: str, section: str, tail: str, eol: str) -> str:
    lines = re.split(r"\r\n|\r|\n", section.strip("\r\n"))
    block = eol.join([BEGIN, *lines, END])
    return head + block + tail if tail else head + _gap(head, eol) + block + eol


def _gap(text: str, eol: str) -> str:
    """What is missing for the block to stand after a blank line."""
    if not text or re.search(r"(\r\n|\r|\n)[ \t]*(\r\n|\r|\n)\Z", text):
        return ""
    return eol if text.endswith(("\n", "\r")) else eol + eol


def _scan(text: str, body: int) -> Scan:
    """Find the markers on lines of their own, from `body` on, outside code and raw text."""
    markers: list[Marker] = []
    blocks, elements = Blocks(), OpenElements()
    may_be_open = OPENING.search(text, body) is not None
    for number, match in enumerate(front_matter.lines_of(text), start=1):
        line = match.group().rstrip("\r\n")
        if match.start() < body:
            continue
        inside = blocks.feed(line, number)
        if may_be_open:
            elements.feed(blocks.line, number)
        marker = MARKER.fullmatch(line)
        # A marker ends a comment that it stands in, and everything else that `-->` ends.
        if marker and (blocks.open_raw is None or blocks.open_raw.ends_at_blank):
            start, end = (match.start() + offset for offset in marker.span("marker"))
            found = inside and blocks.open_raw
            markers.append(Marker(marker["marker"], start, end, number, found))
    return Scan(markers, blocks.swallowing, elements.at_the_margin())


def _swallowed(opened: str, line: int) -> str:
    return (
        f"the {opened} opened on line {line} of the README is never closed, so a section "
        "after it would be part of it. Close it and try again."
    )


def _damage(markers: list[Marker]) -> str:
    begins = [str(marker.line) for marker in markers if marker.text == BEGIN]
    ends = [str(marker.line) for marker in markers if marker.text == END]
    return (
        f"the README has {len(begins)} begin and {len(ends)} end markers of hubmaxact "
        f"(begin on line {', '.join(begins) or 'none'}; end on line {', '.join(ends) or 'none'}); "
        f"one {BEGIN} before one {END} is needed. Delete the stray lines and try again."
    )
