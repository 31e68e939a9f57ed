"""At which positions texts have their largest |x|, in words and as a table of a card."""

from hubmaxact.rendering import numbers
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.document import Report
from hubmaxact.report.stability import PositionMaxima

MOST_STRETCHES = 3


def sentence(report: Report) -> str | None:
    """Where most texts have their largest |x|, and where M is reached.

    Args:
        report: Of any profile.

    Returns:
        A sentence without its full stop. None: the report does not tell, or the first token
        alone holds it in all of them, which `certainty_words` says already.
    """
    rows = _rows(report)
    peaking = [(row["num_texts_peaking"], row) for row in rows if row["num_texts_peaking"]]
    if not peaking or _is_told(report):
        return None
    peaking.sort(key=lambda each: -each[0])
    texts = numbers.count(sum(number for number, _ in peaking), "text")
    said = [f"at {_place(row)} in {numbers.count(number)}" for number, row in peaking]
    said[0] += f" of {texts}"
    rest = sum(number for number, _ in peaking[MOST_STRETCHES:])
    said[MOST_STRETCHES:] = [f"elsewhere in {numbers.count(rest)}"] if rest else []
    reached = [_place(row) for row in rows if row["num_texts_reaching_max"]]
    return f"a text's largest |x| is {_joined(said)}; M is reached at {_joined(reached)}"


def _is_told(report: Report) -> bool:
    """Whether the first token alone holds the largest |x| of every text."""
    found = report["stability"]["by_text"]
    return found["num_texts_peaking_at_first_token"] == found["all_tokens"]["num_texts"]


def markdown(report: Report) -> str:
    """The whole table.

    Args:
        report: Of any profile.

    Returns:
        Empty where the report does not tell.
    """
    rows = [
        (
            _span(row),
            numbers.count(row["num_texts_peaking"]),
            numbers.count(row["num_texts_reaching_max"]),
            "-" if row["abs_max"] is None else numbers.value(row["abs_max"]),
        )
        for row in _rows(report)
    ]
    head = ("positions", "texts that peak there", "texts that reach M", "largest value")
    return table(head, rows, numbers=range(4)) if rows else ""


def _rows(report: Report) -> list[PositionMaxima]:
    found = report["stability"].get("by_text")
    return [] if found is None else found.get("by_position", [])


def _place(row: PositionMaxima) -> str:
    if row["first_position"] == 0:
        return "the first token"
    if row["first_position"] == row["last_position"]:
        return f"position {row['first_position']}"
    return f"positions {_span(row)}"


def _span(row: PositionMaxima) -> str:
    first, last = row["first_position"], row["last_position"]
    if last is None:
        return f"{first:,} and later"
    return f"{first:,}" if first == last else f"{first:,} to {last:,}"


def _joined(words: list[str]) -> str:
    *earlier, last = words
    return f"{', '.join(earlier)} and {last}" if earlier else last
