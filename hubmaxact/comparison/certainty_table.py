"""How sure M is, as a table of words: a line for each figure that the card has of it."""

from collections.abc import Callable, Iterator

from hubmaxact.comparison.comparison import CertaintyCell, Comparison
from hubmaxact.comparison.table import NONE, Name, Table
from hubmaxact.rendering import certainty_words, numbers
from hubmaxact.rendering.fit.verdict import NOT_MEASURED
from hubmaxact.report.stability import MaximaByText, Tail

CAPTION = "How sure M is"
NOTE = (
    "In parentheses the share of M; of subsets how many there are, and of how many texts each. "
    "What random parts of the texts reach is the mean over all parts of that size. What is "
    "inferred was not measured."
)
NOT_INFERRED = "not inferred"
PARTS = {2: "a random half of the texts", 3: "a quarter", 4: "an eighth"}
"""Place in a saturation curve from its end -> what part of the texts that is."""


def certainty(comparison: Comparison, name: Name) -> Table:
    """What of each report says how sure its M is.

    Args:
        comparison: Of any reports.
        name: Makes a reason fit for where the words stand.

    Returns:
        A row for each figure; those of single texts are left out where no report has any.
    """
    cells = comparison.certainty
    peaks = [each.global_max and each.global_max["abs_max"] for each in comparison.reports]
    rows = [("M", *map(_size, peaks)), (SUBSETS, *map(_subsets, cells))]
    if any(cell.by_text for cell in cells):
        rows += [(title, *(_figure(cell, of) for cell in cells)) for title, of in FIGURES]
    else:
        rows.append(("single texts", *(NOT_MEASURED for _ in cells)))
    head = ("", *(entry.column for entry in comparison.reports))
    note = " ".join([NOTE, *_remarks(comparison, name)])
    return Table(caption=CAPTION, head=head, rows=tuple(rows), note=note)


def _figure(cell: CertaintyCell, figure: Callable[[MaximaByText], str]) -> str:
    return NOT_MEASURED if cell.by_text is None else figure(cell.by_text)


def _size(value: float | None) -> str:
    return NONE if value is None else numbers.value(value)


def _subsets(cell: CertaintyCell) -> str:
    if not cell.subsets:
        return NOT_MEASURED
    most = cell.subsets[-1]
    spread = most["range_over_mean"]
    said = NONE if spread is None else numbers.percent(spread)
    return f"{said} ({len(most['values'])} of {numbers.count(most['size'])})"


def _part(place: int) -> Callable[[MaximaByText], str]:
    def figure(found: MaximaByText) -> str:
        maxima = found["all_tokens"]
        if len(maxima["saturation"]) < place:
            return NONE
        return _of_m(maxima["saturation"][-place]["expected"], maxima["abs_max"])

    return figure


def _of_m(value: float | None, peak: float | None) -> str:
    if value is None:
        return NONE
    return f"{numbers.value(value)} ({numbers.percent(value / peak)})" if peak else _size(value)


def _reach(found: MaximaByText) -> str:
    return _texts(sum(found["all_tokens"]["reached_by"].values()), found)


def _first_alone(found: MaximaByText) -> str:
    return _texts(found["num_texts_peaking_at_first_token"], found)


def _texts(number: int, found: MaximaByText) -> str:
    return f"{numbers.count(number)} of {numbers.count(found['all_tokens']['num_texts'])}"


def _without_first(found: MaximaByText) -> str:
    return _of_m(found["after_first_token"]["abs_max"], found["all_tokens"]["abs_max"])


def _more(tail: Tail | None) -> str:
    if tail is None:
        return NOT_INFERRED
    return f"{numbers.value(tail['low'])} to {numbers.value(tail['high'])}"


SUBSETS = "range / mean over subsets"
FIGURES: tuple[tuple[str, Callable[[MaximaByText], str]], ...] = (
    ("texts that reach M", _reach),
    *((title, _part(place)) for place, title in PARTS.items()),
    ("without first tokens", _without_first),
    ("first token alone is largest", _first_alone),
    ("inferred of more texts", lambda found: _more(found["all_tokens"]["tail"])),
    ("likewise, no first tokens", lambda found: _more(found["after_first_token"]["tail"])),
)
"""What the maxima of single texts say: a title, and the words of one report."""


def _remarks(comparison: Comparison, name: Name) -> Iterator[str]:
    """What cells leave out: how far an inference goes, why there is none; alike ones once."""
    said: dict[str, list[str]] = {}
    for entry, cell in zip(comparison.reports, comparison.certainty, strict=True):
        for remark in _of_report(cell, name):
            said.setdefault(remark, []).append(entry.column)
    return (f"{', '.join(columns)}: {remark}." for remark, columns in said.items())


def _of_report(cell: CertaintyCell, name: Name) -> Iterator[str]:
    if cell.no_subsets is not None:
        yield f"no subsets: {name(cell.no_subsets).removesuffix('.')}"
    if cell.not_by_text is not None:
        yield cell.not_by_text
    if cell.by_text is not None:
        yield certainty_words.inferred_from(cell.by_text, name).removesuffix(".")
