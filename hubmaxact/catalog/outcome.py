"""What became of one source of a report, and what an earlier build already knew of it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, Self, cast

from hubmaxact import __version__
from hubmaxact.catalog.extract import row_of
from hubmaxact.catalog.manifest import State
from hubmaxact.catalog.parquet import rows_of
from hubmaxact.catalog.row import Row
from hubmaxact.catalog.store import read_index
from hubmaxact.errors import HubmaxactError
from hubmaxact.printable import printable
from hubmaxact.report.document import Report
from hubmaxact.report.read import NewerReportError, parse

LONGEST_REASON = 300
TRUST_COLUMNS = ("trust", "trust_detail", "copied_from")

Outcome = Literal["row", "quarantine", "newer", "kept", "unread"]


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceOutcome:
    """One source: its row, or the reason why it has none."""

    name: str
    outcome: Outcome
    state: State
    row: Row | None = None
    reason: str = ""
    unchanged: bool = False  # as the earlier build left it


def in_table(name: str, row: Row, state: State) -> SourceOutcome:
    """A source whose report is in the table."""
    return SourceOutcome(name=name, outcome="row", state=state, row=row)


def left_out(name: str, error: HubmaxactError | str, state: State | None = None) -> SourceOutcome:
    """A source without a row: kept apart when its report is newer, quarantined otherwise."""
    outcome: Outcome = "newer" if isinstance(error, NewerReportError) else "quarantine"
    reason = printable(str(error), LONGEST_REASON)
    return SourceOutcome(name=name, outcome=outcome, state=state or State(), reason=reason)


def unread(name: str, error: HubmaxactError | str) -> SourceOutcome:
    """A source that gave no answer: nothing is known of its report, and nothing held against it."""
    reason = printable(str(error), LONGEST_REASON)
    return SourceOutcome(name=name, outcome="unread", state=State(), reason=reason)


def read_report(content: bytes, *, key: str, name: str) -> tuple[Report, Row]:
    """Return the report in these bytes and its row.

    Args:
        content: A report's file, whoever wrote it.
        key: The row's key.
        name: What people call the source.

    Returns:
        The report, and its row before trust is judged.

    Raises:
        ReportError: It is not a valid report of a version that this reader knows.
    """
    report = parse(content)
    return report, row_of(report, content, key=key, name=name)


@dataclass(frozen=True, slots=True)
class Previous:
    """An earlier build's findings, by source, and the tag that it looked for."""

    found: Mapping[str, SourceOutcome]
    tag: str | None = None

    @classmethod
    def read(cls, folder: Path, kind: str) -> Self:
        """Read them from a catalog's folder; empty when nothing there can be relied on.

        Of what another version built, rows are good for keeping and for nothing else.
        """
        try:
            index = read_index(folder)
            table = index.table()
        except HubmaxactError:
            return cls({})
        manifest = index.manifest
        if manifest["built_from"].get("kind") != kind:
            return cls({})
        is_ours = manifest["built_by"] == __version__
        tag = manifest["built_from"].get("tag")
        rows = {row["key"].removeprefix("file:"): row for row in rows_of(table)}
        reasons: dict[str, tuple[Outcome, str]] = {}
        reasons |= {left["name"]: ("quarantine", left["reason"]) for left in manifest["quarantine"]}
        reasons |= {left["name"]: ("newer", left["reason"]) for left in manifest["newer"]}
        found = {}
        for name, state in manifest["sources"].items():
            outcome, reason = reasons.get(name, ("row", ""))
            row = _by_itself(rows[name], state) if name in rows else None
            if row or (reason and is_ours):
                known = state if is_ours else _trust_of(state)
                found[name] = SourceOutcome(
                    name=name, outcome=outcome, state=known, row=row, reason=reason, unchanged=True
                )
        return cls(found, tag if isinstance(tag, str) else None)

    def with_more(self, found: Mapping[str, SourceOutcome]) -> Self:
        """These findings, and later ones that were never published."""
        return replace(self, found={**self.found, **found})

    @property
    def with_rows(self) -> set[str]:
        """Names of the sources whose reports are in the table."""
        return {name for name, each in self.found.items() if each.row is not None}

    def same(self, name: str, **state: str) -> SourceOutcome | None:
        """What was found of a source, if nothing of `state` has changed since."""
        before = self.found.get(name)
        if before and state.items() <= before.state.items():
            return before
        return None

    def keep(self, failed: SourceOutcome) -> SourceOutcome:
        """The earlier row of a source that could not be read this time; the failure if none."""
        before = self.found.get(failed.name)
        if before is None or before.row is None:
            return failed
        reason = f"{_as_of(before.row)}; {failed.reason}"
        return replace(before, outcome="kept", reason=reason, unchanged=False)


def _as_of(row: Row) -> str:
    """How old a row is: the commit that it was read at, and when that was made."""
    day = printable((row["last_modified"] or "")[:10])
    return f"as of commit {(row['commit'] or 'unknown')[:7]}" + (f" of {day}" if day else "")


def _by_itself(row: Row, state: State) -> Row:
    """The row with the trust it had before rows were held against each other."""
    return cast("Row", {**row, **_trust_of(state)})


def _trust_of(state: State) -> State:
    """What a state says of trust, without that by which a change is told: it is read anew."""
    return cast("State", {name: state.get(name) for name in TRUST_COLUMNS if name in state})
