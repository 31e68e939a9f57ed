"""Verdicts on a shipped scale, as a table: the gravest first."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """One row of the table.

    Attributes:
        name: In JSON.
        title: In the terminal.
        meaning: For people.
        fails: Whether the answer of an audit is no where it stands.
        is_told: Whether the terminal names each scale that it stands for.
    """

    name: str
    title: str
    meaning: str
    fails: bool = False
    is_told: bool = True


SATURATES = Verdict(
    name="saturates",
    title="saturates",
    meaning="what was measured lies beyond all that the number stands for, and is clipped",
    fails=True,
)
UNSOUND = Verdict(
    name="unsound",
    title="no scale",
    meaning="0, negative, NaN or infinite: never calibrated, or memory that was never set",
    fails=True,
)
MISSING = Verdict(
    name="missing",
    title="missing",
    meaning="the configuration promises a number that no tensor holds",
)
NOT_CALIBRATED = Verdict(
    name="not_calibrated",
    title="not calibrated",
    meaning="what tools write where nothing was seen; what was measured stays within it",
)
ON_PURPOSE = Verdict(
    name="on_purpose",
    title="below the maximum on purpose",
    meaning="an observer that takes no maximum chose it: a policy, and no error",
)
COARSE = Verdict(
    name="coarse",
    title="too coarse",
    meaning="so wide that half of all values lie below FP8's least normal number",
)
UNUSED_RANGE = Verdict(
    name="unused_range", title="range unused", meaning="INT8 loses a bit or more to unused range"
)
ROUNDS = Verdict(
    name="rounds",
    title="rounds to the largest code",
    meaning="beyond the largest code by no more than half a step",
    is_told=False,
)
MATCHES = Verdict(
    name="matches",
    title="matches",
    meaning="what was measured, but for the number's own rounding",
    is_told=False,
)
FITS = Verdict(
    name="fits",
    title="fits",
    meaning="what was measured stays within, and little is lost",
    is_told=False,
)
UNKNOWN_CONVENTION = Verdict(
    name="unknown_convention",
    title="convention unknown",
    meaning="nothing tells what the number is multiplied with",
)
NOT_COMPARABLE = Verdict(
    name="not_comparable",
    title="not comparable",
    meaning="the tensor is not the base model's, or the number is none for a whole tensor",
    is_told=False,
)
NOT_MEASURED = Verdict(
    name="not_measured",
    title="not measured",
    meaning="the report holds nothing of the tensor",
    is_told=False,
)

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
