"""Splicing the section into a README: bytes in, bytes out, and nothing outside our markers moves.

Knows lines, fences and markers; knows nothing of reports or the Hub. The front matter's one tag
is `front_matter`'s business.
"""

import re
from collections import Counter
from dataclasses import dataclass

from hubmaxact.card import front_matter
from hubmaxact.errors import ReadmeError

BEGIN = "<!-- hubmaxact:begin -->"
END = "<!-- hubmaxact:end -->"
MAX_BYTES = 5_000_000
BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
LFS_POINTER = b"version https://git-lfs.github.com/spec/"
CODE_FENCE = re.compile(r" {0,3}(?P<fence>`{3,}(?=[^`]*\Z)|~{3,})(?P<rest>.*)", re.DOTALL)
MARKER = re.compile(r" {0,3}(?P<marker><!-- hubmaxact:(?:begin|end) -->)[ \t]*")


@dataclass(frozen=True, slots=True)
class Edit:
    """A README with the section in it, and what its owner should still do by hand."""

    content: bytes
    advice: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Marker:
    """A marker, where it starts and ends in the text, and its line, counted from 1."""

    text: str
    start: int
    end: int
    line: int


@dataclass(frozen=True, slots=True)
class Scan:
    """The markers found, and the line of a code fence that is never closed (0: none)."""

    markers: list[Marker]
    open_fence: int


def edit(readme: bytes | None, section: str) -> Edit:
    """Put `section` between the markers of `readme`, or at its end, and the tag into its YAML.

    `section` starts with the heading and holds no markers. None means there is no README yet.
    Editing the result again with the same section changes nothing.

    Raises:
        ReadmeError: the README cannot be edited without risk to what is in it.
    """
    if BEGIN in section or END in section:
        raise ValueError("a section must not contain the markers")
    text = _decode(readme or b"")
    eol = _dominant_eol(text)
    bom, text = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    lines = re.split(r"\r\n|\r|\n", section.strip("\r\n"))
    # Markers first: lines in a refusal are then those of the file as it is.
    text = _splice(text, eol.join([BEGIN, *lines, END]), eol)
    text, advice = front_matter.add_tag(text, eol)
    return Edit((bom + text).encode(), (advice,) if advice else ())


def _decode(readme: bytes) -> str:
    if len(readme) > MAX_BYTES:
        raise ReadmeError(
            f"the README has {len(readme):,} bytes, more than the {MAX_BYTES:,} that are edited. "
            "Shorten it, or add the section by hand."
        )
    if readme.startswith(LFS_POINTER):
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


def _splice(text: str, block: str, eol: str) -> str:
    body = front_matter.body_start(text)
    scan = _scan(text, body)
    kinds = [marker.text for marker in scan.markers]
    if kinds == [BEGIN, END]:
        begin, end = scan.markers
        spliced = text[: begin.start] + block + text[end.end :]
    elif kinds:
        raise ReadmeError(_damage(scan.markers))
    elif scan.open_fence:
        raise ReadmeError(
            f"the code fence opened on line {scan.open_fence} of the README is never closed, so a "
            "section after it would be shown as code. Close it and try again."
        )
    else:
        spliced = text + _gap(text, eol) + block + eol
    if [marker.text for marker in _scan(spliced, body).markers] != [BEGIN, END]:
        raise ValueError("the section leaves a code fence open")
    return spliced


def _gap(text: str, eol: str) -> str:
    """What is missing for the block to stand after a blank line."""
    if not text or re.search(r"(\r\n|\r|\n)[ \t]*(\r\n|\r|\n)\Z", text):
        return ""
    return eol if text.endswith(("\n", "\r")) else eol + eol


def _scan(text: str, body: int) -> Scan:
    """Find the markers on lines of their own, from `body` on, outside fenced code."""
    markers: list[Marker] = []
    fence, open_fence = "", 0
    for number, match in enumerate(front_matter.lines_of(text), start=1):
        line = match.group().rstrip("\r\n")
        if match.start() < body:
            continue
        if (code := CODE_FENCE.fullmatch(line)) and _toggles(fence, code):
            fence, open_fence = ("", 0) if fence else (code["fence"], number)
        elif not fence and (marker := MARKER.fullmatch(line)):
            start, end = (match.start() + offset for offset in marker.span("marker"))
            markers.append(Marker(marker["marker"], start, end, number))
    return Scan(markers, open_fence)


def _toggles(fence: str, code: re.Match[str]) -> bool:
    """Whether this fence opens code, or closes the code that `fence` opened (CommonMark 4.5)."""
    if not fence:
        return True
    return code["fence"].startswith(fence) and not code["rest"].strip()


def _damage(markers: list[Marker]) -> str:
    begins = [str(marker.line) for marker in markers if marker.text == BEGIN]
    ends = [str(marker.line) for marker in markers if marker.text == END]
    return (
        f"the README has {len(begins)} begin and {len(ends)} end markers of hubmaxact "
        f"(begin on line {', '.join(begins) or 'none'}; end on line {', '.join(ends) or 'none'}); "
        f"one {BEGIN} before one {END} is needed. Delete the stray lines and try again."
    )
