"""A repository on the Hub, at a commit, as a listing."""

from collections.abc import Iterable, Mapping

from hubmaxact.files import MOST_POINTER_BYTES, is_lfs_pointer
from hubmaxact.hub.file_part import read_part
from hubmaxact.hub.hub_file import HubFile
from hubmaxact.hub.repository import list_files, read_listed
from hubmaxact.printable import printable
from hubmaxact.recognition.listing import COMMITTED_POINTERS, MOST_JSON_BYTES, Listing, quoted
from hubmaxact.recognition.weights import SUFFIX


class Repository(Listing):
    """A model repository at a commit.

    Args:
        repo_id: Model repository ("owner/name").
        commit: 40 hexadecimal digits.
        files: Its files by path, where they are known. None: the Hub is asked at once.

    Attributes:
        commit: As it was given.

    Raises:
        HubError: They cannot be listed.
    """

    commit: str

    def __init__(
        self, repo_id: str, commit: str, files: Mapping[str, HubFile] | None = None
    ) -> None:
        self.name, self.commit = repo_id, commit
        self.lfs_advice = COMMITTED_POINTERS
        self.nothing_advice = f"Check the name and the revision ({commit[:7]} was read)."
        self.files = list_files(repo_id, commit) if files is None else files
        self.root = frozenset(path for path in self.files if "/" not in path)

    @property
    def deeper(self) -> frozenset[str]:
        """Paths of files in folders of the repository."""
        return frozenset(self.files.keys() - self.root)

    def read(self, path: str) -> bytes:
        """Return a whole file of the repository.

        Args:
            path: One of the listing's.

        Returns:
            Its content.

        Raises:
            HubError: It is larger than MOST_JSON_BYTES, cannot be fetched, or arrives damaged.
        """
        return read_listed(self.name, self.commit, self.files[path], limit=MOST_JSON_BYTES)

    def size(self, path: str) -> int:
        """Return how many bytes a file has, as the Hub lists it.

        Args:
            path: One of the listing's.

        Returns:
            Bytes.
        """
        return self.files[path].size

    def part(self, path: str, begin: int, num_bytes: int) -> bytes:
        """Return some bytes of a file; the rest of it is not fetched.

        Args:
            path: One of the listing's.
            begin: The first of them, from 0.
            num_bytes: How many.

        Returns:
            As many, or those up to its end.

        Raises:
            HubError: They cannot be fetched, or arrive damaged.
        """
        return read_part(self.name, self.commit, self.files[path], begin, num_bytes)

    def pointers(self, paths: Iterable[str]) -> list[str]:
        """Return those weight files whose content is a Git LFS pointer, committed as it is.

        Whatever else is small and needed is looked at where it has been fetched to.
        """
        suspects = (path for path in paths if path.endswith(SUFFIX) and self._may_point(path))
        return [path for path in suspects if is_lfs_pointer(self.read(path))]

    def inner_advice(self, folder: str) -> str:
        """Return the command that fetches a folder of the repository."""
        include = quoted(f"{folder}/*")
        return (
            f"Fetch it with `hf download {self.name} --include {include} --local-dir DIR`, and "
            f"measure DIR/{printable(folder)}."
        )

    def _may_point(self, path: str) -> bool:
        file = self.files[path]
        return file.sha256 is None and file.size <= MOST_POINTER_BYTES
