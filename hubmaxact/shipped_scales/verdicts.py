"""Verdicts on a shipped scale, as a table: the gravest first."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One row of the table.

    Attributes:
        name: In JSON.
        title: In the terminal.
        fails: Whether the answer of an audit is no where it stands.
        is_told: Whether the terminal names each scale that it stands for.
    """

    name: str
    title: str
    fails: bool = False
    is_told: bool = True


SATURATES = Verdict(name="saturates", title="saturates", fails=True)
UNSOUND = Verdict(name="unsound", title="no scale", fails=True)
MISSING = Verdict(name="missing", title="missing")
NOT_CALIBRATED = Verdict(name="not_calibrated", title="not calibrated")
ON_PURPOSE = Verdict(name="on_purpose", title="below the maximum on purpose")
COARSE = Verdict(name="coarse", title="too coarse")
UNUSED_RANGE = Verdict(name="unused_range", title="range unused")
ROUNDS = Verdict(name="rounds", title="rounds to the largest code", is_told=False)
MATCHES = Verdict(name="matches", title="matches", is_told=False)
FITS = Verdict(name="fits", title="fits", is_told=False)
UNKNOWN_CONVENTION = Verdict(name="unknown_convention", title="convention unknown")
NOT_COMPARABLE = Verdict(name="not_comparable", title="not comparable", is_told=False)
NOT_MEASURED = Verdict(name="not_measured", title="not measured", is_told=False)

VERDICTS = (
    SATURATES,
    UNSOUND,
    MISSING,
    NOT_CALIBRATED,
    ON_PURPOSE,
    COARSE,
    UNUSED_RANGE,
    ROUNDS,
    MATCHES,
    FITS,
    UNKNOWN_CONVENTION,
    NOT_COMPARABLE,
    NOT_MEASURED,
)
"""All of them, in the order in which they are told."""

GRAVITY = {verdict.name: place for place, verdict in enumerate(VERDICTS)}
"""Where a verdict stands in the order."""
