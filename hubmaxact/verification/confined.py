"""Checks of a report whose checkpoint brings its own code, in a process that it cannot leave."""

from collections.abc import Iterator
from dataclasses import asdict

from hubmaxact.confinement.messages import Message
from hubmaxact.confinement.process import ConfinedError
from hubmaxact.measurement.confined.crossing import (
    nonsense_refused,
    running_code,
    told_of_code,
)
from hubmaxact.measurement.confined.watching import Hearer
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.prepare import read_corpus
from hubmaxact.measurement.source import Source
from hubmaxact.measurement.watcher import Watcher
from hubmaxact.printable import printable
from hubmaxact.report.document import Report
from hubmaxact.verification.check import Check

ENTRY = "hubmaxact.verification.confined_checks"
ALL = ("model", "corpus", "BOS", "tokens", "batch plan", "M", "place", "sites")
"""What is compared there, in this order; all of it, or up to the first that differs."""

LONGEST = 600  # characters of a line


def checks_confined(
    report: Report, source: Source, options: Options, watcher: Watcher
) -> Iterator[Check]:
    """Run the checks that need the model.

    Args:
        report: Whose claims are checked.
        source: The checkpoint, with the code that is to be run.
        options: The report's protocol.
        watcher: Hears of stages.

    Yields:
        The checks; the first that fails is the last.

    Raises:
        ConfinedError: The process fails, or leaves a check out.
    """
    corpus = read_corpus(options, watcher)
    watcher.stage(told_of_code(source))
    job = {"options": asdict(options), "corpus": asdict(corpus), "report": report}
    left, hearer = list(ALL), Hearer(watcher)
    with running_code(ENTRY, source, job) as told:
        for message in told:
            with nonsense_refused():
                check = None if hearer.heard(message) else _check(message, left)
            if check is not None:
                yield check
                if not check.passed:
                    return
    if left:
        raise ConfinedError(f"it did not check {left[0]}")


def _check(message: Message, left: list[str]) -> Check | None:
    """The check in a message, which must be the next."""
    if message.kind != "check":
        return None
    name, passed, detail = message.values
    if name != left.pop(0):
        raise ValueError("another check")
    return Check(name, passed=passed is True, detail=printable(detail, LONGEST))
