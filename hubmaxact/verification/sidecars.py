"""Are the files that lie beside a report those that it names?"""

from collections.abc import Iterator

from hubmaxact.printable import counted
from hubmaxact.sidecars.beside import SidecarError, present
from hubmaxact.sidecars.error_rows_beside import check_error_rows
from hubmaxact.verification.check import Check
from hubmaxact.verification.claim import Claim


def sidecars_beside(claim: Claim) -> Iterator[Check]:
    """Hold each file to its size and sha256, and tables to the report; nothing is measured again.

    Args:
        claim: Whose report is meant.

    Yields:
        One check; none where nothing lies beside the report.
    """
    try:
        there = present(claim.report, claim.found)
        check_error_rows(claim.report, claim.found)
    except SidecarError as error:
        yield Check("sidecars", passed=False, detail=str(error).removesuffix("."))
        return
    if there:
        yield Check("sidecars", passed=True, detail=f"{counted(len(there), 'file')}, sha256 equal")
