"""One thing that is wrong with a document, and where."""

from typing import NamedTuple


class Problem(NamedTuple):
    """One thing that is wrong, in the document's own terms.

    Attributes:
        path: Its place, such as sites[3].abs_quantiles["0.5"].
        message: What is wrong there.
    """

    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}"
