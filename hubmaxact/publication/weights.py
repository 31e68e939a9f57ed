"""Whether a report speaks of the weights that a repository holds, by size and sha256 alone."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from hubmaxact.errors import DigestMismatchError
from hubmaxact.hub.repository import HubFile, read_file
from hubmaxact.printable import counted, printable
from hubmaxact.report.document import WeightFile

# A second copy of the same weights beside the sharded ones; transformers never loads it.
SECOND_COPY = "consolidated"
MAX_REGULAR_WEIGHT_BYTES = 16 * 2**20  # the Hub asks for LFS above 10 MB


@dataclass(frozen=True, slots=True)
class WeightDigest:
    """Size in bytes and sha256 of one weight file."""

    size: int
    sha256: str


def weight_digests(
    repo_id: str, commit: str, files: Mapping[str, HubFile]
) -> dict[str, WeightDigest]:
    """Size and sha256 of every safetensors file among `files` at `commit`, by path.

    The Hub knows the sha256 of what is in LFS; a small file stored as plain git content is read.

    Args:
        repo_id: Model repository.
        commit: 40 hexadecimal digits.
        files: What the repository holds at that commit, by path.

    Returns:
        Size and digest of the weight files, by path.

    Raises:
        HubError: Such a file cannot be read.
    """
    return {
        path: WeightDigest(file.size, file.sha256 or _sha256(repo_id, commit, path))
        for path, file in files.items()
        if path.endswith(".safetensors")
    }


def _sha256(repo_id: str, commit: str, path: str) -> str:
    content = read_file(repo_id, commit, path, limit=MAX_REGULAR_WEIGHT_BYTES)
    return hashlib.sha256(content or b"").hexdigest()


def compare(
    measured: Sequence[WeightFile],
    stored: Mapping[str, WeightDigest],
    *,
    repo_id: str,
    commit: str,
) -> None:
    """Check that every measured file is stored as it was measured, and that none was overlooked.

    Files in folders that hold no measured file (other formats of the weights) are not compared.

    Args:
        measured: The report's weight files.
        stored: The repository's, by path.
        repo_id: Model repository, for the message.
        commit: Where it was read, for the message.

    Raises:
        DigestMismatchError: Names the first file that differs, and both digests.
    """
    for difference in _differences(measured, stored):
        raise DigestMismatchError(
            f"{repo_id} at {commit[:7]} holds other weights than the report was measured on: "
            f"{difference}. Measure this revision and push its report."
        )


def _differences(
    measured: Sequence[WeightFile], stored: Mapping[str, WeightDigest]
) -> Iterator[str]:
    for file in measured:
        path, sha256, size = printable(file["path"]), _short(file["sha256"]), file["size"]
        digest = stored.get(file["path"])
        if digest is None:
            yield f"{path} (sha256 {sha256}) is not there"
        elif digest.sha256 != file["sha256"]:
            found = _short(digest.sha256)
            yield f"{path} has sha256 {found} on the Hub and {sha256} in the report"
        elif digest.size != size:
            yield f"{path} has {counted(digest.size, 'byte')} on the Hub and {size} in the report"
    for path in _overlooked(measured, stored):
        yield f"{printable(path)} (sha256 {_short(stored[path].sha256)}) is not in the report"


def _overlooked(measured: Sequence[WeightFile], stored: Mapping[str, WeightDigest]) -> list[str]:
    known = {file["path"] for file in measured}
    folders = {PurePosixPath(path).parent for path in known} or {PurePosixPath()}
    return sorted(
        path
        for path in stored.keys() - known
        if PurePosixPath(path).parent in folders
        and not PurePosixPath(path).name.startswith(SECOND_COPY)
    )


def _short(sha256: str) -> str:
    return printable(sha256[:12])
