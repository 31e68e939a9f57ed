"""Are a checkpoint's files those that a report names?"""

from collections.abc import Sequence

from hubmaxact.printable import counted, printable
from hubmaxact.recognition.own_code import OwnCode
from hubmaxact.recognition.scaled_cache import called
from hubmaxact.report.model_block import WeightFile
from hubmaxact.verification.check import Check


def same_weights(
    claimed: Sequence[WeightFile], found: Sequence[WeightFile], name: str = "weights"
) -> Check:
    """Hold every weight file to its size and sha256.

    Args:
        claimed: Files that the report names.
        found: Files of the checkpoint.
        name: Of the check.

    Returns:
        The check.
    """
    by_path = {file["path"]: file for file in found}
    names = {file["path"]: called(file["path"], by_path) for file in claimed}
    for file in claimed:
        here = by_path.get(names[file["path"]])
        if here is None or (here["size"], here["sha256"]) != (file["size"], file["sha256"]):
            seen = (
                f"{here['sha256'][:12]}, {counted(here['size'], 'byte')}"
                if here
                else "no such file"
            )
            told = f"{file['sha256'][:12]}, {counted(file['size'], 'byte')}"
            detail = f"{file['path']}: report {told}; checkpoint {seen}"
            return Check(name, passed=False, detail=detail)
    extra = sorted(set(by_path) - set(names.values()))
    if extra:
        return Check(name, passed=False, detail=f"{printable(extra[0])} is not in the report")
    return Check(name, passed=True, detail=f"{counted(len(found), 'file')}, sha256 equal")


def same_code(claimed: Sequence[WeightFile], code: OwnCode | None) -> Check:
    """Hold the code to its digests, before any of it runs.

    Args:
        claimed: Files that the report names.
        code: What would run. None: nothing, because transformers has classes of its own.

    Returns:
        The check.
    """
    if code is None:
        detail = "report: the checkpoint's own code; here transformers has a class of its own"
        return Check("code", passed=False, detail=detail)
    told = {(file["path"], file["size"], file["sha256"]) for file in claimed}
    if differ := sorted(told ^ set(code.files)):
        detail = f"{printable(differ[0][0])} is not the file that the report names"
        return Check("code", passed=False, detail=detail)
    return Check("code", passed=True, detail=f"{counted(len(code.files), 'file')}, sha256 equal")
