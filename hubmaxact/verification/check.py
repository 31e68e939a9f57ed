"""One thing that was compared, and how far a row of them goes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was compared, and how it came out.

    Attributes:
        name: "sidecars", "weights", "base", "base weights", "code", "model", "corpus", "BOS",
            "tokens", "batch plan", "simulation", "M", "place" or "sites".
        passed: Whether the report may be true.
        detail: One line for people: what was found, or what differs.
    """

    name: str
    passed: bool
    detail: str


def while_passed(checks: Iterable[Check]) -> Iterator[Check]:
    """Yield checks up to the first that fails, and that one."""
    for check in checks:
        yield check
        if not check.passed:
            return
