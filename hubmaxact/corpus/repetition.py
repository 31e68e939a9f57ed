"""How repetitive a corpus is: `python -m hubmaxact.corpus.repetition [NUM_SAMPLES]`.

Two figures a domain. The zlib ratio is compressed over original bytes at level 9, over the
domain's texts joined; natural English lies near 0.35 to 0.40. The overlap of a text is the share
of its 20-token windows that also occur in another text of the corpus. A token is a word, a
run of one punctuation mark, or a character of a script that is written without spaces. Needs numpy.
"""

import re
import sys
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hubmaxact.corpus import load
from hubmaxact.corpus.texts import Text

if TYPE_CHECKING:
    from numpy.typing import NDArray

WINDOW = 20
MIN_ZLIB_RATIO = {
    "math": 0.31,
    "code": 0.29,
    "web": 0.28,
    "knowledge": 0.28,
    "chinese": 0.26,
    "minority_scripts": 0.19,
    "other": 0.31,
}
"""The floor of each domain's zlib ratio; letters of three bytes compress better than ASCII."""
MAX_MEAN_OVERLAP = 0.02
"""The ceiling of a domain's mean overlap."""
MAX_OVERLAP = 0.15
"""The ceiling of any one text's overlap."""

# ASCII punctuation (a run of one mark is one token, as tokenizers have it), and the blocks of
# scripts that do not part their words: a token a character.
_MARKS = r"!-/:-@\[-^`{-~\u3000-\u303f\uff00-\uffef"
_SOLID = r"\u0e00-\u0e7f\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff"
TOKEN = re.compile(rf"(?:([{_MARKS}])\1*|[{_SOLID}]|[^\s{_MARKS}{_SOLID}]+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Repetition:
    """The figures of one domain."""

    num_texts: int
    num_bytes: int
    zlib_ratio: float
    mean_overlap: float  # over the domain's texts that have a window
    max_overlap: float


def measure(texts: Sequence[Text]) -> dict[str, Repetition]:
    """Return each domain's figures, in order of appearance."""
    shares = overlaps([text.text for text in texts])
    rows = {}
    for domain in dict.fromkeys(text.domain for text in texts):
        places = [place for place, text in enumerate(texts) if text.domain == domain]
        joined = "\n".join(texts[place].text for place in places).encode("utf-8")
        found = [share for place in places if (share := shares[place]) is not None]
        rows[domain] = Repetition(
            num_texts=len(places),
            num_bytes=len(joined),
            zlib_ratio=len(zlib.compress(joined, 9)) / len(joined),
            mean_overlap=sum(found) / len(found),
            max_overlap=max(found),
        )
    return rows


def overlaps(texts: Sequence[str]) -> list[float | None]:
    """Return the share of each text's windows that another text has too; None without windows."""
    import numpy as np

    numbers: dict[str, int] = {}
    windows = [_windows(text, numbers) for text in texts]
    # A window counts once a text, so one that is found twice is in two texts.
    found, counts = np.unique(np.concatenate([np.unique(w) for w in windows]), return_counts=True)
    shared = found[counts > 1]
    return [_share(w, shared) for w in windows]


def _share(windows: "NDArray[Any]", shared: "NDArray[Any]") -> float | None:
    """Return the share of windows that stand in a sorted list."""
    if not len(windows):
        return None
    if not len(shared):
        return 0.0
    places = shared.searchsorted(windows).clip(max=len(shared) - 1)
    return float((shared[places] == windows).mean())


def _windows(text: str, numbers: dict[str, int]) -> "NDArray[Any]":
    """Hash every 20-token window to 64 bits; `numbers` gives each new token the next number."""
    import numpy as np

    tokens = [numbers.setdefault(token, len(numbers) + 1) for token in _tokens(text)]
    mixed = _mix(np.array(tokens, dtype=np.uint64))
    count = max(0, len(tokens) - WINDOW + 1)
    total = np.zeros(count, dtype=np.uint64)
    for offset in range(WINDOW):
        total = total * np.uint64(0x9E3779B97F4A7C15) + mixed[offset : offset + count]
    return total


def _tokens(text: str) -> Iterator[str]:
    return (match[0] for match in TOKEN.finditer(text))


def _mix(values: "NDArray[Any]") -> "NDArray[Any]":
    """Spread token numbers over 64 bits (the finalizer of SplitMix64)."""
    import numpy as np

    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    spread: NDArray[Any] = values ^ (values >> np.uint64(31))
    return spread


def table(rows: Iterable[tuple[str, Repetition]]) -> str:
    """Render the figures and their limits as a Markdown table."""
    head = (
        "| domain | texts | MB | zlib ratio | at least | mean overlap | at most "
        "| largest overlap | at most |"
    )
    lines = [
        f"| {domain} | {row.num_texts} | {row.num_bytes / 1e6:.2f} | {row.zlib_ratio:.3f} "
        f"| {MIN_ZLIB_RATIO[domain]:.2f} | {row.mean_overlap:.2%} | {MAX_MEAN_OVERLAP:.0%} "
        f"| {row.max_overlap:.1%} | {MAX_OVERLAP:.0%} |"
        for domain, row in rows
    ]
    return "\n".join([head, "|---|---:|---:|---:|---:|---:|---:|---:|---:|", *lines])


def main(arguments: Sequence[str]) -> None:
    """Print the table of probe-5k or of its first texts."""
    corpus = load("probe-5k", num_samples=int(arguments[0]) if arguments else None)
    print(table(measure(corpus.texts).items()))  # noqa: T201  # printing is this command's job


if __name__ == "__main__":
    main(sys.argv[1:])
