"""A corpus as data: texts with a domain each, and a digest that names the whole of it.

Knows no files, no network and no generator.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from hubmaxact.errors import CorpusError
from hubmaxact.printable import counted

Kind = Literal["synthetic", "natural"]


@dataclass(frozen=True, slots=True)
class Text:
    """One sample: what is tokenized, and the domain it counts for."""

    text: str
    domain: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Corpus:
    """Texts in their fixed order; `texts` may be a prefix, the rest speaks of the whole."""

    name: str
    version: str | None
    kind: Kind | None  # None: nobody said
    digest: str  # "sha256:<hex>" of the whole corpus, also when `texts` is a prefix
    texts: tuple[Text, ...]


class Digest:
    """SHA-256 over texts in order; equal exactly when domains, texts and order are equal.

    Each string enters as its length in bytes (8 bytes, big endian) and its UTF-8 bytes, so
    no two lists of strings share an encoding.
    """

    def __init__(self) -> None:
        self._sha256 = hashlib.sha256()

    def update(self, text: Text) -> None:
        """Fold in the next text."""
        for part in (text.domain, text.text):
            encoded = part.encode("utf-8")
            self._sha256.update(len(encoded).to_bytes(8, "big"))
            self._sha256.update(encoded)

    def result(self) -> str:
        """Return "sha256:<hex>"; more may be folded in afterwards."""
        return f"sha256:{self._sha256.hexdigest()}"


def digest_of(texts: Iterable[Text]) -> str:
    """Return the digest of texts in their order."""
    digest = Digest()
    for text in texts:
        digest.update(text)
    return digest.result()


def check_num_samples(num_samples: int | None, available: int, name: str) -> int:
    """Return how many texts to take.

    Args:
        num_samples: Texts asked for. None: all.
        available: Texts that there are.
        name: The corpus's, for the message.

    Returns:
        A number between 1 and `available`.

    Raises:
        CorpusError: Fewer than one is asked for, or more than there are.
    """
    if num_samples is None:
        return available
    if num_samples < 1:
        raise CorpusError(f"cannot take {num_samples} texts of {name}; ask for at least 1.")
    if num_samples > available:
        raise CorpusError(
            f"{name} has {counted(available, 'text')}, {num_samples:,} were asked for; "
            f"lower --num-samples to {available} or choose a larger corpus."
        )
    return num_samples
