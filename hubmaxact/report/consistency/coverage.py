"""Rules about what was seen: status, coverage, missing sites."""

from collections import Counter
from collections.abc import Iterator

from hubmaxact.report.consistency.sites import layer_problem
from hubmaxact.report.document import Report, RoleCoverage
from hubmaxact.report.problem import Problem
from hubmaxact.roles import ROLES


def status_agrees(report: Report) -> Iterator[Problem]:
    """NaN and infinities make a report non_finite; failing those, missing sites make it partial."""
    broken = sum(site["num_nan"] + site["num_inf"] for site in report["sites"])
    missing = len(report["coverage"]["missing"])
    status = "non_finite" if broken else "partial" if missing else "complete"
    if report["status"] != status:
        message = (
            f'is "{report["status"]}", but {broken} elements are not finite '
            f'and {missing} sites are missing, which is "{status}"'
        )
        yield Problem("status", message)


def counts_agree(report: Report) -> Iterator[Problem]:
    """Fired sites have rows, and what was expected and did not fire is named as missing."""
    seen = Counter(site["role"] for site in report["sites"])
    missing = Counter(site["role"] for site in report["coverage"]["missing"])
    for role in ROLES:
        row: RoleCoverage = report["coverage"][role.name]  # type: ignore[literal-required]
        path = f"coverage.{role.name}"
        if row["fired"] != seen[role.name]:
            message = f"is {row['fired']}, but sites has {seen[role.name]} of this role"
            yield Problem(f"{path}.fired", message)
        if row["expected"] - row["fired"] != missing[role.name]:
            message = (
                f"is {row['expected']}, but {row['fired']} fired and "
                f"{missing[role.name]} are missing"
            )
            yield Problem(f"{path}.expected", message)


def missing_lies_in_the_model(report: Report) -> Iterator[Problem]:
    """A missing site has a place that the model has."""
    for position, site in enumerate(report["coverage"]["missing"]):
        path = f"coverage.missing[{position}]"
        yield from layer_problem(report, path, site["role"], site["layer"])
