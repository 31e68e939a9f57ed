"""The files of a folder or a repository by name, and the few small ones that are read.

What is told from a listing is told of both alike.
"""

import json
import shlex
from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

from hubmaxact.errors import HubmaxactError, IncompleteWeightsError, UnsafeCheckpointError
from hubmaxact.files import is_lfs_pointer
from hubmaxact.printable import printable

MOST_JSON_BYTES = 100_000_000
"""More than any index: a trillion parameters take a tenth of it."""

MOST_VALUES = 2_000_000
MOST_NAMED = 5
LONGEST_NAME = 200  # characters

COMMITTED_POINTERS = "Upload the files themselves: `hf upload`, or git with git-lfs installed."
"""What to do where pointers lie in a repository itself."""


class Listing(ABC):
    """File names of one place.

    Attributes:
        name: How sentences call the place.
        root: Names of the files that lie in it.
        lfs_advice: How the real files are fetched where Git LFS pointers stand.
        nothing_advice: What to do where no checkpoint is.
        commit: Of the repository, as 40 hexadecimal digits; None of a folder.
        caveat: A sentence, after a space, behind what is told from files that are not there; "" of
            a place that was listed whole.
    """

    name: str
    root: frozenset[str]
    lfs_advice: str
    nothing_advice: str
    commit: str | None = None
    caveat: str = ""

    @property
    @abstractmethod
    def deeper(self) -> frozenset[str]:
        """Paths of files in sub-folders, with forward slashes."""

    @abstractmethod
    def read(self, path: str) -> bytes:
        """Return a whole file.

        Args:
            path: One of the listing's.

        Returns:
            Its content.

        Raises:
            HubmaxactError: It is larger than MOST_JSON_BYTES, or cannot be read.
        """

    @abstractmethod
    def size(self, path: str) -> int:
        """Return how many bytes a file has.

        Args:
            path: One of the listing's.

        Returns:
            Bytes.

        Raises:
            UnsafeCheckpointError: It cannot be read.
        """

    @abstractmethod
    def part(self, path: str, begin: int, num_bytes: int) -> bytes:
        """Return some bytes of a file, whatever its size.

        Args:
            path: One of the listing's.
            begin: The first of them, from 0.
            num_bytes: How many.

        Returns:
            As many, or those up to its end.

        Raises:
            HubmaxactError: It cannot be read.
        """

    @abstractmethod
    def pointers(self, paths: Iterable[str]) -> list[str]:
        """Return those of `paths` that hold a Git LFS pointer, as far as that costs little."""

    @abstractmethod
    def inner_advice(self, folder: str) -> str:
        """Return what to do when the checkpoint lies in a folder of this place."""

    def lacking(self, path: str, refusal: HubmaxactError) -> HubmaxactError:  # noqa: ARG002
        """Return what to say of a file that is needed and not listed.

        Args:
            path: Its name.
            refusal: What holds of a place that was listed whole.

        Returns:
            The error to raise.
        """
        return refusal

    def json(self, path: str) -> dict[str, Any]:
        """Read one JSON object.

        Args:
            path: One of the listing's.

        Returns:
            The object; what is in it may be anything.

        Raises:
            UnsafeCheckpointError: It is no JSON object, or one beyond measure.
            IncompleteWeightsError: A Git LFS pointer stands in its place.
            HubmaxactError: It is too large, or cannot be read.
        """
        content = self.read(path)
        if is_lfs_pointer(content):
            raise self.pointer_refusal([path])
        shown = printable(path, LONGEST_NAME)
        # Counted first: a parser makes hundreds of bytes of objects of every few bytes of text.
        if sum(map(content.count, (b"{", b"[", b","))) > MOST_VALUES:
            raise UnsafeCheckpointError(f"{shown} of {self.name} holds too many values to be read.")
        try:
            document = json.loads(content.decode("utf-8"))
        except (ValueError, RecursionError) as error:
            raise UnsafeCheckpointError(
                f"{shown} of {self.name} is not JSON. Save the checkpoint again."
            ) from error
        if not isinstance(document, dict):
            raise UnsafeCheckpointError(
                f"{shown} of {self.name} is not a JSON object. Save the checkpoint again."
            )
        return document

    def refuse_pointers(self, paths: Iterable[str]) -> None:
        """Refuse a place where Git LFS pointers stand for files that are needed.

        Args:
            paths: Files that are needed.

        Raises:
            IncompleteWeightsError: Names them, and how to fetch the files.
        """
        if found := self.pointers(paths):
            raise self.pointer_refusal(found)

    def pointer_refusal(self, paths: Iterable[str]) -> IncompleteWeightsError:
        """Return the refusal of files that are Git LFS pointers."""
        return IncompleteWeightsError(
            f"{self.name} holds Git LFS pointers, a few lines of text each, in the place of files "
            f"({named(paths)}). {self.lfs_advice}"
        )


def named(paths: Iterable[str]) -> str:
    """Name files on one safe line, the first few of them."""
    ordered = sorted(paths)
    shown = [printable(path, LONGEST_NAME) for path in ordered[:MOST_NAMED]]
    rest = len(ordered) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def quoted(word: str) -> str:
    """Return a word as a shell takes it, on one safe line."""
    return printable(shlex.quote(word), LONGEST_NAME)
