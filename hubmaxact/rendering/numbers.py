"""Numbers for people: thousands apart, no more digits than the measurement has."""

from collections.abc import Iterable

from hubmaxact.printable import counted


def value(number: float) -> str:
    """An activation: whole from 1,000 on, else four significant digits; bf16 has under three."""
    if abs(number) >= 1e9:
        return f"{number:.3e}"
    return f"{number:,.0f}" if abs(number) >= 1000 else f"{number:.4g}"


def count(number: int, noun: str = "", plural: str = "") -> str:
    """A count, with its noun in the right number."""
    if not noun:
        return f"{number:,}"
    return counted(number, noun, plural)


def percent(share: float) -> str:
    """A share of one, as a percentage of three digits."""
    return "under 0.01 %" if 0 < share < 1e-4 else f"{100 * share:.3g} %"


def ratio(quotient: float) -> str:
    """A ratio: a percentage up to one, a multiple above."""
    if quotient <= 1:
        return percent(quotient)
    return f"{quotient:,.0f} times" if quotient >= 100 else f"{quotient:.3g} times"


def ranges(numbers: Iterable[int]) -> str:
    """Whole numbers in ascending order with runs closed up: 2, 6-33."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][1] + 1:
            runs[-1][1] = number
        else:
            runs.append([number, number])
    return ", ".join(f"{first}" if first == last else f"{first}-{last}" for first, last in runs)
