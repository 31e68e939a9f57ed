"""From what the user named to a corpus.

Knows which reader serves which name; what the readers do is theirs.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from hubmaxact.corpus import hub_dataset, jsonl, paper, probe_5k
from hubmaxact.corpus.texts import Corpus
from hubmaxact.errors import CorpusError
from hubmaxact.printable import LONGEST_PATH, printable, without_secret

NAMED = {probe_5k.NAME: probe_5k.load, paper.NAME: paper.load}
"""Corpora that have a name of their own."""


def load(spec: str, *, num_samples: int | None = None) -> Corpus:
    """Return the corpus that a user named, or its first texts.

    Args:
        spec: "probe-5k", "paper", a path that ends in .jsonl (or .json, .ndjson, each also with
            .gz), or "hf://datasets/OWNER/NAME[@REVISION][/path/in/repo.jsonl|.parquet]".
        num_samples: Texts to take, from the first. None: all.

    Returns:
        The texts, under the name, version and digest of the whole corpus.

    Raises:
        CorpusError: There is no such corpus, it is damaged, or it has too few texts.
    """
    if spec in NAMED:
        return NAMED[spec](num_samples)
    if "://" in spec and not spec.startswith("hf://"):
        raise CorpusError(
            f"the corpus {printable(without_secret(spec), LONGEST_PATH)} is a URL. Name a data set "
            "of the Hub as hf://datasets/OWNER/NAME/FILE, or download the file and name that."
        )
    if spec.startswith("hf://"):
        return hub_dataset.load(spec, num_samples)
    if spec.endswith(jsonl.SUFFIXES):
        return jsonl.load(_own_name(Path(spec)), num_samples)
    raise CorpusError(_unknown(printable(spec, LONGEST_PATH)))


@contextmanager
def reading(spec: str, *, num_samples: int | None = None) -> Iterator[Callable[[], Corpus]]:
    """Begin to make a corpus, where that goes beside other work.

    Args:
        spec: As in `load`.
        num_samples: As in `load`.

    Yields:
        What waits for the texts, and returns or raises as `load`; to be called in the block.

    Raises:
        CorpusError: More texts are asked for than there are.
    """
    if spec == probe_5k.NAME:
        with probe_5k.ahead(num_samples) as made:
            yield made
    else:
        yield partial(load, spec, num_samples=num_samples)


def _unknown(name: str) -> str:
    if Path(name).exists():
        return (
            f"the corpus {name} does not end in one of {', '.join(jsonl.SUFFIXES)}. Name a file of "
            'JSON lines, each with a "text".'
        )
    return (
        f"there is no corpus {name}; use {', '.join(NAMED)}, a file that ends in .jsonl or "
        ".jsonl.gz, or hf://datasets/OWNER/NAME."
    )


def _own_name(path: Path) -> Path:
    # A file's stem becomes the corpus's name, and a name must not promise other texts.
    if (name := jsonl.stem(path)) in NAMED:
        raise CorpusError(f"{path.name} would pass for the corpus {name}; rename the file.")
    return path
