"""From reports to a comparison, or to the refusal to compare them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from string import ascii_uppercase

from hubmaxact.comparison import deployed
from hubmaxact.comparison.certainty import certainties
from hubmaxact.comparison.changes import changes
from hubmaxact.comparison.comparison import (
    COMPARISON_VERSION,
    Comparison,
    Entry,
    HeadroomRow,
    RoleRow,
)
from hubmaxact.comparison.int8 import int8_table
from hubmaxact.comparison.layers import layer_table
from hubmaxact.errors import HubmaxactError
from hubmaxact.formats import LARGEST_FINITE
from hubmaxact.printable import printable
from hubmaxact.report.comparability import DifferentProtocolsError, forbidding, protocol_rows
from hubmaxact.report.document import Report
from hubmaxact.report.inputs import Input, read_inputs
from hubmaxact.report.labels import LONGEST_LABEL, labels
from hubmaxact.report.roles import ROLES
from hubmaxact.report.summaries import num_non_finite

FEWEST, MOST = 2, 8
"""How many reports stand side by side."""

ADVICE = "measure them alike, or compare them as they are with --across-protocols"


class NumberOfReportsError(HubmaxactError):
    """Raised when there are too few reports to compare, or too many."""


def compare(*reports: Report | str | Path, across_protocols: bool = False) -> Comparison:
    """Hold two to eight reports against each other.

    Args:
        *reports: Reports, or their files, folders that hold them, ids on the Hub, or URLs there; of
            releases of one model, the earlier one first.
        across_protocols: Whether to compare reports that were measured differently; the comparison
            then says what differs.

    Returns:
        M and its place, maxima by role and by layer, number formats, INT8 rows in decibels; between
        releases of one model also what changed. Values are activations in the tensors' own units.

    Raises:
        NumberOfReportsError: There are fewer than two reports, or more than eight.
        UnreadableFileError: A file is missing, not a regular file, or may not be read.
        AddressError: A URL is not the Hub's, or leads to no model repository.
        HubError: A repository cannot be read, or holds no report.
        BadInputError: One is not a valid report; the message says which, and why.
        DifferentProtocolsError: They were measured differently and `across_protocols` is false;
            every difference is named.
    """
    if not FEWEST <= len(reports) <= MOST:
        found = len(reports)
        raise NumberOfReportsError(f"compare takes {FEWEST} to {MOST} reports, found {found}.")
    return compare_inputs(read_inputs(reports), across_protocols=across_protocols)


def compare_inputs(inputs: Sequence[Input], *, across_protocols: bool = False) -> Comparison:
    """Hold inputs against each other, under the names that tell them apart.

    Args:
        inputs: Two to eight reports that were read already.
        across_protocols: As in `compare`.

    Returns:
        The comparison.

    Raises:
        DifferentProtocolsError: As in `compare`.
    """
    reports, names = [each.report for each in inputs], labels(inputs)
    rows = protocol_rows([report["protocol"] for report in reports])
    if forbidding(rows) and not across_protocols:
        raise DifferentProtocolsError(rows, [printable(n, LONGEST_LABEL) for n in names], ADVICE)
    entries = tuple(map(_entry, inputs, ascii_uppercase, names))
    return Comparison(
        comparison_version=COMPARISON_VERSION,
        comparable=not forbidding(rows),
        reports=entries,
        protocol=rows,
        by_role=tuple(_by_role(reports)),
        by_layer=layer_table(reports),
        certainty=certainties(reports),
        int8=int8_table(reports),
        dtype_headroom=tuple(_headroom(reports)),
        verdicts=deployed.verdict_table(reports),
        kv=deployed.cache_table(reports),
        rounding=deployed.rounding_table(reports),
        end_to_end=deployed.loss_table(reports),
        changes=changes(reports, [entry.column for entry in entries]),
    )


def _entry(each: Input, column: str, label: str) -> Entry:
    report = each.report
    model = report["model"]
    return Entry(
        column=column,
        label=label,
        file=each.file,
        id=model["id"],
        commit=model["commit"],
        family=model["family"],
        model_type=model["model_type"],
        architecture=model["architecture"],
        stage=model["stage"],
        num_layers=model["num_layers"],
        hidden_size=model["hidden_size"],
        num_parameters=model["num_parameters"],
        status=report["status"],
        num_missing=len(report["coverage"]["missing"]),
        num_non_finite=num_non_finite(report),
        global_max=report["global_max"],
    )


def _by_role(reports: Sequence[Report]) -> Iterator[RoleRow]:
    for role in ROLES:
        cells = tuple(report["max_by_role"].get(role.name) for report in reports)
        if any(cells):
            yield RoleRow(role=role.name, in_global_max=role.in_global_max, cells=cells)


def _headroom(reports: Sequence[Report]) -> Iterator[HeadroomRow]:
    for name, limit in LARGEST_FINITE.items():
        cells = tuple(report["dtype_headroom"][name] for report in reports)
        yield HeadroomRow(format=name, largest_finite=limit, cells=cells)
