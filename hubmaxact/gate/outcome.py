"""What came of one rule, and the numbers in it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of one rule.

    Attributes:
        rule: Its name: max_abs, "not_exceeding float16", "min_sqnr_db int8", ...
        passed: Whether it was kept.
        value: What the report says; None when it says nothing.
        limit: What was asked.
        detail: One line for people.
    """

    rule: str
    passed: bool
    value: float | str | None
    limit: float | str
    detail: str


def failed(rule: str, limit: float, reason: str) -> Outcome:
    """Return what came of a rule that had no value to go by.

    Args:
        rule: Its name.
        limit: What was asked.
        reason: Why there is no value.

    Returns:
        A rule that was not kept.
    """
    detail = f"{reason}; the limit is {exact(limit)}"
    return Outcome(rule=rule, passed=False, value=None, limit=limit, detail=detail)


def exact(number: float) -> str:
    """An activation or a limit with every digit it has."""
    return f"{number:,.15g}"


def apart(number: float, limit: float) -> str:
    """A quotient with four digits, or with as many as keep it on its side of the limit."""
    for digits in (4, 6, 9, 12):
        rounded = float(f"{number:.{digits}g}")
        if (rounded < limit, rounded > limit) == (number < limit, number > limit):
            return f"{rounded:,.{digits}g}"
    return repr(number)
