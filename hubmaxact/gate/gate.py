"""A gate: the reports it needs, every rule's outcome, and the answer as text, Markdown or JSON."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hubmaxact.errors import HubmaxactError
from hubmaxact.gate.limits import Limits
from hubmaxact.gate.rules import Outcome, outcomes
from hubmaxact.printable import printable
from hubmaxact.rendering.escape import text
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.comparability import DifferentProtocolsError, forbidding, protocol_rows
from hubmaxact.report.inputs import Input, read_input
from hubmaxact.report.labels import LONGEST_LABEL, labels

CHECK_VERSION = "0.1"
ADVICE = "a ratio of M means something under one protocol only"


class GateFailedError(HubmaxactError):
    """Raised when a report does not keep to its limits; names every failed rule."""

    exit_code = 1

    def __init__(self, verdict: "Verdict") -> None:
        failed = [found for found in verdict.rules if not found.passed]
        total = len(verdict.rules)
        said = "; ".join(f"{_rule(found)} ({found.detail})" for found in failed)
        super().__init__(f"{len(failed)} of {total} rules failed: {said}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate found, in the order in which its JSON is written."""

    check_version: str
    passed: bool
    file: str
    id: str | None  # of the model
    commit: str | None
    status: str
    abs_max: float | None  # M
    against: str | None  # the earlier report's file
    rules: tuple[Outcome, ...]


def check(path: Path, limits: Limits) -> Verdict:
    """Hold the report in a file to limits.

    Raises:
        UnreadableFileError: a file is missing, not a regular file, or may not be read.
        BadInputError: a file is not a valid report.
        DifferentProtocolsError: the earlier report was measured differently.
    """
    current = read_input(path)
    previous = read_input(limits.against) if limits.against else None
    if previous is not None:
        _refuse_other_protocol(current, previous)
    report = current.report
    found = outcomes(limits, report, previous.report if previous else None)
    return Verdict(
        check_version=CHECK_VERSION,
        passed=all(outcome.passed for outcome in found),
        file=current.file,
        id=report["model"]["id"],
        commit=report["model"]["commit"],
        status=report["status"],
        abs_max=report["global_max"]["abs_max"] if report["global_max"] else None,
        against=previous.file if previous else None,
        rules=found,
    )


def as_text(verdict: Verdict) -> str:
    """One line for each rule, for people."""
    lines = (f"{'ok  ' if o.passed else 'FAIL'} {_rule(o)}: {o.detail}\n" for o in verdict.rules)
    return "".join(lines)


def as_markdown(verdict: Verdict) -> str:
    """A sentence, and a table in which the failed rules stand first; safe in a job's summary."""
    rules = sorted(verdict.rules, key=lambda outcome: outcome.passed)
    failed = sum(not outcome.passed for outcome in rules)
    said = f"**{failed} of {len(rules)} rules failed.**" if failed else "Every rule passed."
    rows = [
        ("passed" if outcome.passed else "**failed**", text(outcome.rule), text(outcome.detail))
        for outcome in rules
    ]
    return f"{said}\n\n{table(('', 'rule', 'found'), rows)}\n"


def as_json(verdict: Verdict) -> str:
    """The fields of `Verdict`, in order; numbers are finite, or null."""
    return json.dumps(asdict(verdict), indent=1, allow_nan=False) + "\n"


def _rule(outcome: Outcome) -> str:
    # A format or a policy of the user's own may stand in it.
    return printable(outcome.rule)


def _refuse_other_protocol(current: Input, previous: Input) -> None:
    pair = (current, previous)
    rows = protocol_rows([each.report["protocol"] for each in pair])
    if forbidding(rows):
        names = [printable(name, LONGEST_LABEL) for name in labels(pair)]
        raise DifferentProtocolsError(rows, names, ADVICE)
