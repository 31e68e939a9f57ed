"""The corpus of arXiv:2605.15572: Clxxxx/eval_diverse_dataset on the Hub.

Each line holds Llama-2 `input_ids` and a `category`. As in the paper the ids are decoded with
the Llama-2 tokenizer, special tokens included: a literal `<s>` stays in the text. The tokenizer
comes from a copy of it that needs no licence click; the environment variable
HUBMAXACT_LLAMA_TOKENIZER names another one, a Hub id with or without @REVISION or a local
folder. The version holds the digest of the tokenizer's file, which is the same for every true
copy; what it decoded is in the corpus's digest.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hubmaxact.corpus import hub_dataset, jsonl, rows
from hubmaxact.corpus.texts import Corpus, Text
from hubmaxact.errors import CorpusError, MissingPackageError
from hubmaxact.printable import printable

if TYPE_CHECKING:
    from tokenizers import Tokenizer

NAME = "paper"
DATASET = "Clxxxx/eval_diverse_dataset"
SUFFIXES = (".jsonl", ".json")
TOKENIZER = "hf-internal-testing/llama-tokenizer"
TOKENIZER_FILE = "tokenizer.json"
TOKENIZER_DIGITS = 16
TOKENIZER_VARIABLE = "HUBMAXACT_LLAMA_TOKENIZER"


def load(num_samples: int | None = None) -> Corpus:
    """Return the paper's texts; the version is "COMMIT|tokenizer-sha256:DIGITS".

    Args:
        num_samples: Texts to take, from the first. None: all.

    Returns:
        The texts, decoded; the digest covers all of them.

    Raises:
        CorpusError: A line is damaged, or there is no such tokenizer.
        HubError: The Hub cannot serve the data set or the tokenizer.
    """
    from hubmaxact.hub import cache

    commit = cache.find_commit(DATASET, repo_type="dataset")
    file = source_file(hub_dataset.file_names(DATASET, commit))
    path = hub_dataset.fetch(DATASET, commit, file)
    content = find_tokenizer()
    used = hashlib.sha256(content).hexdigest()[:TOKENIZER_DIGITS]
    return jsonl.collect(
        decode(path, read_tokenizer(content), hub_dataset.shown(file)),
        name=NAME,
        version=f"{commit}|tokenizer-sha256:{used}",
        kind="natural",
        num_samples=num_samples,
    )


def source_file(files: Sequence[str]) -> str:
    """Return the file of Llama-2 ids, should others lie beside it.

    Args:
        files: Paths in the data set.

    Returns:
        Its path.

    Raises:
        CorpusError: There is none, or more than one.
    """
    named = [file for file in files if "llama" in file and file.endswith(SUFFIXES)]
    return named[0] if len(named) == 1 else hub_dataset.only_file(DATASET, files, SUFFIXES)


def find_tokenizer() -> bytes:
    """Return the content of the tokenizer.json to decode with.

    Returns:
        Of the copy that HUBMAXACT_LLAMA_TOKENIZER names; without it, of one that needs no licence
        click.

    Raises:
        CorpusError: It is not where the environment variable says.
        HubError: The Hub refuses, or cannot be reached.
    """
    asked = os.environ.get(TOKENIZER_VARIABLE) or TOKENIZER
    try:
        return _tokenizer_file(asked).read_bytes()
    except OSError as error:
        raise CorpusError(
            f"{asked} has no readable {TOKENIZER_FILE}; set {TOKENIZER_VARIABLE} to a folder or "
            "repository that has one."
        ) from error


def _tokenizer_file(asked: str) -> Path:
    """Where the file lies, or ought to.

    Raises:
        FileNotFoundError: The repository has none.
    """
    from hubmaxact.hub import cache

    folder = Path(asked)
    if folder.is_dir():
        return folder / TOKENIZER_FILE
    repo_id, _, revision = asked.partition("@")
    commit = cache.find_commit(repo_id, revision or None)
    path = cache.find_file(repo_id, commit, TOKENIZER_FILE)
    if path is None:
        raise FileNotFoundError(TOKENIZER_FILE)
    cache.remember(repo_id, revision or None, commit)
    return path


def read_tokenizer(content: bytes) -> "Tokenizer":
    """Read a tokenizer.json.

    Args:
        content: The file's, whoever wrote it.

    Returns:
        A tokenizer of the tokenizers library.

    Raises:
        CorpusError: The file is not one of the tokenizers library.
        MissingPackageError: There is no such library.
    """
    try:
        from tokenizers import Tokenizer
    except (ImportError, OSError) as error:
        raise MissingPackageError("tokenizers", "measure", "the paper corpus", error) from error
    try:
        return Tokenizer.from_buffer(content)
    except MemoryError:
        raise
    # The library raises bare Exception for a malformed file.
    except Exception as error:
        raise CorpusError(
            f"the Llama-2 tokenizer's {TOKENIZER_FILE} cannot be read ({printable(str(error))}); "
            f"set {TOKENIZER_VARIABLE} to another copy."
        ) from error


def decode(path: Path, tokenizer: "Tokenizer", name: str) -> Iterator[Text]:
    """Yield each line's text.

    Args:
        path: A JSONL file of `input_ids` and `category`.
        tokenizer: Llama-2's.
        name: What messages call the file.

    Yields:
        What the ids stand for, special tokens included, with the category as its domain.

    Raises:
        CorpusError: A line has no ids, or ids that the tokenizer does not know.
    """
    size = tokenizer.get_vocab_size(with_added_tokens=True)
    for row, where in jsonl.read_rows(path, name):
        ids = _ids(row.get("input_ids"), size, where)
        text = tokenizer.decode(ids, skip_special_tokens=False)
        domain = rows.domain_of(row, "category", where)
        yield rows.to_text({"text": text, "domain": domain}, where)


def _ids(ids: Any, size: int, where: str) -> list[int]:
    if not isinstance(ids, list) or not ids:
        raise CorpusError(f'{where}: "input_ids" must be a non-empty array of token ids.')
    for position, token in enumerate(ids):
        if type(token) is not int or not 0 <= token < size:
            raise CorpusError(
                f'{where}: "input_ids" holds {str(token)[:40]} at position {position}; '
                f"the tokenizer knows ids from 0 to {size - 1}."
            )
    return ids
