"""A gate: the reports it needs, every rule's outcome, and the answer as text, Markdown or JSON."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from hubmaxact.errors import HubmaxactError
from hubmaxact.gate.limits import Limits
from hubmaxact.gate.limits import limits as checked
from hubmaxact.gate.outcome import Outcome
from hubmaxact.gate.rules import outcomes
from hubmaxact.printable import counted, printable
from hubmaxact.rendering.escape import text
from hubmaxact.rendering.markdown_table import table
from hubmaxact.report.comparability import DifferentProtocolsError, forbidding, protocol_rows
from hubmaxact.report.document import Report
from hubmaxact.report.inputs import Input, read_input
from hubmaxact.report.labels import LONGEST_LABEL, labels

CHECK_VERSION = "0.1"
ADVICE = "a ratio of M means something under one protocol only"


class GateFailedError(HubmaxactError):
    """Raised when a report does not keep to its limits; names every failed rule."""

    exit_code = 1

    def __init__(self, verdict: "Verdict") -> None:
        failed = [found for found in verdict.rules if not found.passed]
        total = counted(len(verdict.rules), "rule")
        said = "; ".join(f"{_rule(found)} ({found.detail})" for found in failed)
        super().__init__(f"{len(failed)} of {total} failed: {said}.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a gate found, in the order in which its JSON is written.

    Attributes:
        check_version: Of this layout, "0.N".
        passed: Whether every rule was kept.
        file: The report's name as it was given; None when it came from memory.
        id: The model's.
        commit: The model's.
        status: The report's: "complete", "partial" or "non_finite".
        abs_max: M, in the tensors' own units; None when nothing finite was seen.
        against: The earlier report's name; None when no rule asks for one.
        rules: What came of each rule that was asked for.
    """

    check_version: str
    passed: bool
    file: str | None
    id: str | None
    commit: str | None
    status: str
    abs_max: float | None
    against: str | None
    rules: tuple[Outcome, ...]


def check(report: Report | str | Path, limits: Limits | Mapping[str, Any]) -> Verdict:
    """Hold a report to limits. Nothing passes for want of a value.

    Args:
        report: A report, or its file, a folder that holds it, an id on the Hub, or a URL there.
        limits: What it must keep to: `Limits`, or a mapping with the names of its fields, such as
            `{"not_exceeding": ["float16"], "require_complete": True}`.

    Returns:
        Whether the report passed, and what came of each rule. That it failed is no error here.

    Raises:
        NoLimitError: Nothing is asked.
        LimitsError: A limit is unknown, or its value cannot be used.
        UnreadableFileError: A file is missing, not a regular file, or may not be read.
        AddressError: A URL is not the Hub's, or leads to no model repository.
        HubError: A repository cannot be read, or holds no report.
        BadInputError: It, or the earlier one, is not a valid report.
        DifferentProtocolsError: The earlier report was measured differently.
    """
    asked = checked(limits)
    current = read_input(report)
    previous = read_input(asked.against) if asked.against else None
    if previous is not None:
        _refuse_other_protocol(current, previous)
    document = current.report
    found = outcomes(asked, document, previous.report if previous else None)
    return Verdict(
        check_version=CHECK_VERSION,
        passed=all(outcome.passed for outcome in found),
        file=current.file,
        id=document["model"]["id"],
        commit=document["model"]["commit"],
        status=document["status"],
        abs_max=document["global_max"]["abs_max"] if document["global_max"] else None,
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
    said = (
        f"**{failed} of {counted(len(rules), 'rule')} failed.**" if failed else "Every rule passed."
    )
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
