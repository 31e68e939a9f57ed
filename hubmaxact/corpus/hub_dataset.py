"""Any data set on the Hub whose JSONL or parquet file has a `text` column.

One file is read as it is, in its order; no loading script and no split logic. Knows where rows
come from; what a row must hold stands in `rows`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from hubmaxact.corpus import hub_files, jsonl, rows
from hubmaxact.corpus.texts import Corpus, Text
from hubmaxact.errors import CorpusError

SUFFIXES = (".jsonl", ".parquet")
COMMIT = re.compile("[0-9a-f]{40}")
SPEC = re.compile(
    r"hf://datasets/(?P<repo>[A-Za-z0-9._-]{1,96}/[A-Za-z0-9._-]{1,96})"
    r"(?:@(?P<revision>[^/@\s]{1,200}))?(?:/(?P<file>[^\s].{0,500}))?"
)


@dataclass(frozen=True, slots=True)
class Address:
    """What a spec names."""

    repo_id: str
    revision: str | None
    file: str | None


def parse(spec: str) -> Address:
    """Read "hf://datasets/OWNER/NAME[@REVISION][/path/in/repo]"; %2F in a revision is a slash.

    Raises:
        CorpusError: it has another form.
    """
    match = SPEC.fullmatch(spec)
    if match is None:
        raise CorpusError(
            f"{spec[:200]!r} is no data set address; write hf://datasets/OWNER/NAME, "
            "then @REVISION and /FILE if you want."
        )
    revision, file = match["revision"], match["file"]
    if file is not None and not file.endswith(SUFFIXES):
        raise CorpusError(f"{file[:100]} is neither .jsonl nor .parquet; name such a file.")
    return Address(match["repo"], unquote(revision) if revision else None, file)


def load(spec: str, num_samples: int | None = None) -> Corpus:
    """Return the corpus under OWNER/NAME; its version is the commit.

    Raises:
        CorpusError: the Hub has no such file, or a row is not what it should be.
    """
    address = parse(spec)
    snapshot = _snapshot(address)
    file = address.file or hub_files.only_file(snapshot, SUFFIXES)
    path = hub_files.download(snapshot, file)
    texts = read_parquet(path, file) if file.endswith(".parquet") else jsonl.read_texts(path)
    return jsonl.collect(
        texts, name=address.repo_id, version=snapshot.commit, num_samples=num_samples
    )


def _snapshot(address: Address) -> hub_files.Snapshot:
    """Fix the commit; an address that names commit and file needs no question to the Hub."""
    if address.file and COMMIT.fullmatch(address.revision or ""):
        return hub_files.Snapshot(
            repo_id=address.repo_id,
            repo_type="dataset",
            commit=str(address.revision),
            files=(address.file,),
        )
    return hub_files.resolve(address.repo_id, "dataset", address.revision)


def read_parquet(path: Path, name: str) -> Iterator[Text]:
    """Yield the rows of a parquet file in its order, a batch at a time.

    Raises:
        CorpusError: pyarrow is missing, the file is damaged, or a row is not what it should be.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise CorpusError(
            'reading parquet needs pyarrow; install it with pip install "hubmaxact[measure]".'
        ) from error
    try:
        with pq.ParquetFile(path) as table:
            columns = [c for c in ("text", "domain") if c in table.schema_arrow.names]
            batches = table.iter_batches(batch_size=256, columns=columns)
            for number, row in enumerate((r for b in batches for r in b.to_pylist()), start=1):
                yield rows.to_text(row, f"{name} row {number}")
    except (pa.ArrowException, OSError) as error:
        raise CorpusError(f"{name} is not a readable parquet file: {error}") from error
