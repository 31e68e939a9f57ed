"""Corpora as JSON lines: one object a line with `text` and, if wanted, `domain`.

File order is kept and so are duplicates; other keys are ignored, and so are blank lines, what ends
a line, and gzip around it all: the digest is of the texts. Read as a stream, one bounded line at a
time. Knows files; what a row must hold stands in `rows`.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from hubmaxact.corpus import rows, unpacked
from hubmaxact.corpus.texts import Corpus, Digest, Kind, Text, check_num_samples
from hubmaxact.errors import CorpusError

MAX_LINE_BYTES = 16 * 1024 * 1024
BOM = b"\xef\xbb\xbf"
PLAIN = (".jsonl", ".ndjson", ".json")
PACKED = tuple(f"{suffix}.gz" for suffix in PLAIN)
SUFFIXES = (*PLAIN, *PACKED)
"""How the name of a JSONL file may end. Which of them are gzip says the file itself."""


def load(path: Path, num_samples: int | None = None) -> Corpus:
    """Return the corpus in a file, under the file's stem; the digest covers every text.

    Args:
        path: A JSONL file, plain or gzip.
        num_samples: Texts to take, from the first. None: all.

    Returns:
        The texts in the file's order; version and kind are None.

    Raises:
        CorpusError: The file cannot be read, is empty, or a line is not what it should be.
    """
    name = stem(path)
    rows.check_name(name)
    return collect(read_texts(path), name=name, num_samples=num_samples)


def stem(path: Path) -> str:
    """Return a file's name without what says that it is JSONL, and packed."""
    suffix = next((each for each in PACKED if path.name.endswith(each)), path.suffix)
    return path.name.removesuffix(suffix)


def collect(
    texts: Iterable[Text],
    *,
    name: str,
    num_samples: int | None,
    version: str | None = None,
    kind: Kind | None = None,
) -> Corpus:
    """Keep the first texts and digest them all.

    Args:
        texts: All texts of the corpus; read once, to the end.
        name: The corpus's name.
        num_samples: Texts to keep, from the first. None: all.
        version: Of the whole corpus. None: it has none.
        kind: Whether a generator or people wrote the texts. None: nobody said.

    Returns:
        The texts kept, under the digest of all of them.

    Raises:
        CorpusError: There are none, too few, or too many domains.
    """
    digest, kept, available = Digest(), [], 0
    for text in rows.check_domains(texts, name):
        digest.update(text)
        available += 1
        if num_samples is None or available <= num_samples:
            kept.append(text)
    if available == 0:
        raise CorpusError(f"{name} is empty; a corpus needs at least one text.")
    check_num_samples(num_samples, available, name)
    return Corpus(name=name, version=version, kind=kind, digest=digest.result(), texts=tuple(kept))


def read_texts(path: Path, name: str | None = None) -> Iterator[Text]:
    """Yield the texts of a file in its order; `name` is what messages call it."""
    for row, where in read_rows(path, name):
        yield rows.to_text(row, where)


def read_rows(path: Path, name: str | None = None) -> Iterator[tuple[rows.Row, str]]:
    """Yield each line's object, and where it stands; blank lines are passed over.

    Args:
        path: A JSONL file, plain or gzip.
        name: What messages call it. None: the file's own name.

    Yields:
        The object, and its place for messages, such as "texts.jsonl line 3".

    Raises:
        CorpusError: The file cannot be read or a line is not a JSON object.
    """
    name = name or path.name
    with unpacked.opened(path, name) as file:
        for number, line in enumerate(_lines(file, name), start=1):
            where = f"{name} line {number}"
            if content := _decode(line, where):
                yield rows.parse(content, where), where


def _lines(file: BinaryIO, name: str) -> Iterator[bytes]:
    number = 0
    while line := file.readline(MAX_LINE_BYTES + 1):
        number += 1
        if len(line) > MAX_LINE_BYTES:
            raise CorpusError(
                f"{name} line {number}: longer than {MAX_LINE_BYTES // 1024**2} MiB; split it."
            )
        # Files that were joined have the mark of each at its own beginning.
        yield line.removeprefix(BOM)


def _decode(line: bytes, where: str) -> str:
    """The line without what ends it; empty if it is blank."""
    try:
        return line.strip(b" \t\r\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise CorpusError(f"{where}: not UTF-8 at byte {error.start}; re-encode it.") from error
