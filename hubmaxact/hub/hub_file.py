"""A file of a repository as the Hub describes it, and whether bytes are its content."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file at a commit; `sha256` is None unless the file is in LFS."""

    path: str
    size: int
    blob_id: str
    sha256: str | None

    def holds(self, content: bytes) -> bool:
        """Whether the file's content is `content`, by its digest."""
        if self.sha256 is not None:
            return self.sha256 == hashlib.sha256(content).hexdigest()
        return self.blob_id == blob_id(content)


def checked_file(path: str, size: int, blob_id: str, sha256: str | None) -> HubFile:
    """Hold a file's description to its kinds, which the client library takes as the Hub sends them.

    Args:
        path: Path in the repository.
        size: Bytes.
        blob_id: Git's name of the content.
        sha256: Of the content. None: it is not in LFS.

    Returns:
        The file.

    Raises:
        TypeError: Something is of another kind; `ask` takes that for an answer it cannot read.
    """
    fields: tuple[object, ...] = (path, size, blob_id, sha256 or "")
    if not all(map(isinstance, fields, (str, int, str, str))):
        raise TypeError("a file's description is not what it should be")
    return HubFile(path, size, blob_id, sha256)


def blob_id(content: bytes) -> str:
    """Git's name for `content`."""
    header = b"blob %d\0" % len(content)
    return hashlib.sha1(header + content, usedforsecurity=False).hexdigest()
