"""Whether a report speaks of the weights that a repository loads, by size and sha256 alone.

What lies there too and is not loaded (another format, speculative layers) is never demanded.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from hubmaxact.errors import DigestMismatchError
from hubmaxact.files import is_lfs_pointer
from hubmaxact.hub.hub_file import HubFile
from hubmaxact.hub.repository import read_listed
from hubmaxact.printable import counted, printable
from hubmaxact.recognition.repository import Repository
from hubmaxact.recognition.scaled_cache import called, scale_files
from hubmaxact.recognition.weights import SUFFIX, loaded_tensors
from hubmaxact.report.model_block import WeightFile

SECOND_COPY = "consolidated"
"""How Mistral's own layout begins, which transformers never loads."""

MAX_REGULAR_WEIGHT_BYTES = 16 * 2**20  # the Hub asks for LFS above 10 MB


@dataclass(frozen=True, slots=True)
class StoredWeights:
    """The weight files of a repository at a commit, read no further than a question needs.

    Attributes:
        repo_id: Model repository.
        commit: 40 hexadecimal digits.
        files: What the repository holds at that commit, by path.
    """

    repo_id: str
    commit: str
    files: Mapping[str, HubFile]

    @property
    def paths(self) -> frozenset[str]:
        """Every safetensors file."""
        return frozenset(path for path in self.files if path.endswith(SUFFIX))

    def sha256(self, path: str) -> str | None:
        """Return the digest of a file; the Hub knows it of what is in LFS, the rest is read.

        Args:
            path: One of `paths`.

        Returns:
            Hexadecimal digits. None: a Git LFS pointer was committed in the place of weights.

        Raises:
            HubError: The file cannot be read, or arrives damaged.
        """
        file = self.files[path]
        if file.sha256:
            return file.sha256
        content = read_listed(self.repo_id, self.commit, file, limit=MAX_REGULAR_WEIGHT_BYTES)
        return None if is_lfs_pointer(content) else hashlib.sha256(content).hexdigest()

    def beside(self, measured: frozenset[str]) -> tuple[frozenset[str], frozenset[str]]:
        """Sort what lies beside the measured files.

        Args:
            measured: Paths of files that a report names.

        Returns:
            Files that are loaded all the same, and files that are not.

        Raises:
            HubmaxactError: The index that tells them apart cannot be read, or is none.
        """
        loaded: set[str] = set()
        others: set[str] = set()
        for folder in sorted({_folder(path) for path in measured} or {""}):
            here = {path for path in self.paths - measured if _folder(path) == folder}
            if here:
                found, scales = self._loaded(folder)
                loaded |= (found - scales) & here
                others |= here - scales
        return frozenset(loaded), frozenset(others - loaded)

    def _loaded(self, folder: str) -> tuple[frozenset[str], frozenset[str]]:
        """What is loaded from a folder, and what of that holds scales of a cache and no weight."""
        listing = Repository(self.repo_id, self.commit, self.files)
        tensors = loaded_tensors(listing.files, listing.json, folder)
        if tensors is None:
            # Nothing says what is loaded, so everything may be.
            copy = f"{folder}{SECOND_COPY}"
            return frozenset(p for p in self.paths if not p.startswith(copy)), frozenset()
        return frozenset(tensors.values()), scale_files(tensors)


def compare(measured: Sequence[WeightFile], stored: StoredWeights) -> tuple[str, ...]:
    """Check that every measured file is stored as it was measured, and that no other is loaded.

    Files in folders that hold no measured file (other formats of the weights) are not looked at.

    Args:
        measured: The report's weight files.
        stored: The repository's.

    Returns:
        Paths of weight files beside the measured ones, which nothing loads; sorted.

    Raises:
        DigestMismatchError: Names the first file that differs, and both digests.
        HubmaxactError: The repository's index cannot be read, or is none.
    """
    for difference in _differences(measured, stored):
        _refuse(stored, difference)
    names = (called(file["path"], stored.paths) for file in measured)
    loaded, others = stored.beside(frozenset(names))
    for path in sorted(loaded):
        found = stored.files[path].sha256
        which = f" (sha256 {_short(found)})" if found else ""
        _refuse(stored, f"{printable(path)}{which} is loaded there and not in the report")
    return tuple(sorted(others))


def _refuse(stored: StoredWeights, difference: str) -> None:
    raise DigestMismatchError(
        f"{stored.repo_id} at {stored.commit[:7]} holds other weights than the report was measured "
        f"on: {difference}. Measure this revision and push its report."
    )


def _differences(measured: Sequence[WeightFile], stored: StoredWeights) -> Iterator[str]:
    for file in measured:
        path, told, size = printable(file["path"]), _short(file["sha256"]), file["size"]
        if (name := called(file["path"], stored.paths)) not in stored.paths:
            yield f"{path} (sha256 {told}) is not there"
            continue
        sha256, here = stored.sha256(name), stored.files[name].size
        if sha256 is None:
            yield f"{path} is a Git LFS pointer on the Hub, committed in the place of the weights"
        elif sha256 != file["sha256"]:
            yield f"{path} has sha256 {_short(sha256)} on the Hub and {told} in the report"
        elif here != size:
            yield f"{path} has {counted(here, 'byte')} on the Hub and {size} in the report"


def _folder(path: str) -> str:
    """The folder of a path with its slash; nothing at the root."""
    return path[: path.rfind("/") + 1]


def _short(sha256: str) -> str:
    return printable(sha256[:12])
