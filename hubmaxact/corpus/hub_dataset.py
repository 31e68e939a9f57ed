"""Any data set on the Hub whose JSONL or parquet file has a `text` column.

One file is read as it is, in its order; no loading script and no split logic. Knows where rows
come from; what a row must hold stands in `rows`, and how the Hub is asked in `hub`, which takes a
second to import: only who asks it does.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from hubmaxact.corpus import jsonl, rows
from hubmaxact.corpus.texts import Corpus, Text
from hubmaxact.errors import CorpusError, MissingPackageError
from hubmaxact.printable import without_secret

PARQUET = ".parquet"
SUFFIXES = (*jsonl.SUFFIXES, PARQUET)
FOUND = (".jsonl", ".jsonl.gz", ".json.gz", PARQUET)
"""Endings of the one file that needs no name; most .json files of a data set describe it."""
SPEC = re.compile(
    r"hf://datasets/(?P<repo>[^/@\s]{1,96}/[^/@\s]{1,96})"
    r"(?:@(?P<revision>refs/(?:pr|convert)/[^/@\s]{1,100}|[^/@\s]{1,200}))?"
    r"(?:/(?P<file>[^\s].{0,500})?)?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """What a spec names."""

    repo_id: str
    revision: str | None
    file: str | None


def parse(spec: str) -> Address:
    """Read "hf://datasets/OWNER/NAME[@REVISION][/path/in/repo]"; %2F in a revision is a slash.

    Args:
        spec: What the user named.

    Returns:
        Repository, revision and file; None where the spec says nothing of it.

    Raises:
        CorpusError: It has another form.
    """
    match = SPEC.fullmatch(spec)
    if match is None:
        raise CorpusError(
            f"{without_secret(spec)[:200]!r} is no data set address; write "
            "hf://datasets/OWNER/NAME, then @REVISION and /FILE if you want."
        )
    revision, file = match["revision"], match["file"]
    if file is not None and not file.endswith(SUFFIXES):
        raise CorpusError(
            f"{file[:100]} is neither .jsonl nor .parquet (nor .jsonl.gz); name such a file."
        )
    return Address(match["repo"], unquote(revision) if revision else None, file)


def load(spec: str, num_samples: int | None = None) -> Corpus:
    """Return the corpus under OWNER/NAME; its version is the commit.

    Args:
        spec: As `parse` reads it. Without a file, the data set must hold one alone.
        num_samples: Texts to take, from the first. None: all.

    Returns:
        The texts in the file's order; the digest covers all of them.

    Raises:
        CorpusError: The data set has no such file, or a row is not what it should be.
        HubError: The Hub refuses, cannot be reached, or has no such data set or revision.
    """
    address = parse(spec)
    commit = _commit(address)
    file = address.file or only_file(address.repo_id, file_names(address.repo_id, commit), FOUND)
    path = fetch(address.repo_id, commit, file, address.revision)
    read = read_parquet if file.endswith(PARQUET) else jsonl.read_texts
    texts = read(path, shown(file))
    return jsonl.collect(texts, name=address.repo_id, version=commit, num_samples=num_samples)


def _commit(address: Address) -> str:
    """The commit; an address that names it and a file needs no question to the Hub."""
    from hubmaxact.hub import cache, repository

    if address.file and repository.is_commit(address.revision):
        return address.revision
    return cache.find_commit(address.repo_id, address.revision, repo_type="dataset")


def file_names(repo_id: str, commit: str) -> list[str]:
    """Return what lies in a data set at a commit, sorted.

    Args:
        repo_id: Data set ("owner/name").
        commit: 40 hexadecimal digits.

    Returns:
        Paths in the repository.

    Raises:
        HubError: It cannot be listed.
    """
    from hubmaxact.hub import cache

    return cache.find_names(repo_id, commit, repo_type="dataset")


def fetch(repo_id: str, commit: str, file: str, revision: str | None = None) -> Path:
    """Return a file of a data set, from the local cache when it is there.

    Args:
        repo_id: Data set ("owner/name").
        commit: 40 hexadecimal digits.
        file: Path in the repository.
        revision: What `commit` was found by. None: main.

    Returns:
        Where it lies in the cache.

    Raises:
        CorpusError: The data set has no such file.
        HubError: The Hub refuses or cannot be reached.
    """
    from hubmaxact.hub import cache

    path = cache.find_file(repo_id, commit, file, repo_type="dataset")
    if path is None:
        raise CorpusError(
            f"the data set {repo_id} has no {shown(file)} at {commit[:7]}; check the file's name."
        )
    cache.remember(repo_id, revision, commit, repo_type="dataset")
    return path


def shown(file: str) -> str:
    """Return a file's name, which anybody may have given it, as messages can hold it."""
    from hubmaxact.hub.safe_words import clean

    return clean(file)


def only_file(repo_id: str, files: Iterable[str], suffixes: Sequence[str]) -> str:
    """Return the one file of a data set with such a suffix.

    Args:
        repo_id: Data set, for the message.
        files: Paths in it.
        suffixes: Any of which will do.

    Returns:
        Its path.

    Raises:
        CorpusError: There is none, or more than one.
    """
    found = [file for file in files if file.endswith(tuple(suffixes))]
    if len(found) == 1:
        return found[0]
    kinds = " or ".join(filter(None, (", ".join(suffixes[:-1]), suffixes[-1])))
    if not found:
        raise CorpusError(f"the data set {repo_id} holds no {kinds} file; choose another data set.")
    listed = ", ".join(shown(file)[:80] for file in found[:5])
    raise CorpusError(
        f"the data set {repo_id} holds {len(found)} {kinds} files ({listed}); "
        "name one after the repository."
    )


def read_parquet(path: Path, name: str) -> Iterator[Text]:
    """Yield the rows of a parquet file in its order, a batch at a time.

    Args:
        path: Where the file lies.
        name: What messages call it.

    Yields:
        The text of each row.

    Raises:
        CorpusError: The file is damaged, or a row is not what it should be.
        MissingPackageError: There is no pyarrow.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except (ImportError, OSError) as error:
        raise MissingPackageError("pyarrow", "measure", "reading parquet", error) from error
    try:
        with pq.ParquetFile(path) as table:
            names = table.schema_arrow.names
            if "text" not in names:
                raise CorpusError(f'{name}: no "text"; {rows.what_else(names)}')
            columns = [c for c in ("text", "domain") if c in names]
            batches = table.iter_batches(batch_size=256, columns=columns)
            for number, row in enumerate((r for b in batches for r in b.to_pylist()), start=1):
                yield rows.to_text(row, f"{name} row {number}")
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{name} is not a readable parquet file: {error}") from error
