"""What the process is asked, in the types of JSON, and what it makes of that again."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from hubmaxact.confinement.messages import Message
from hubmaxact.confinement.process import ConfinedError, running
from hubmaxact.corpus import Corpus
from hubmaxact.corpus.texts import Text
from hubmaxact.measurement.options import Options
from hubmaxact.measurement.source import Source
from hubmaxact.recognition.own_code import CodeFile, OwnCode

ROOMS = Path(__file__).parents[1]
COMPILED = [
    ROOMS / "kernels" / "cpu" / "__pycache__",
    ROOMS / "dequantization" / "compiled_rows" / "__pycache__",
]
"""Loops that numba compiled before; it uses them only where it may write."""


@contextmanager
def running_code(
    entry: str, source: Source, job: dict[str, Any], *, most: int = 0
) -> Iterator[Iterator[Message]]:
    """Start a process in which a checkpoint's own code may run, and end it with the block.

    Args:
        entry: Module that it runs.
        source: The checkpoint, which it may read.
        job: What else it is to know.
        most: Bytes that may follow one of its messages.

    Yields:
        What it tells.
    """
    folder = source.folder.resolve()  # files of a cache are links to others beside it
    stored = {path.resolve().parent for path in folder.iterdir()}
    asked = {"source": asdict(replace(source, folder=folder)) | {"folder": str(folder)}, **job}
    reads = [folder, *sorted(stored)]
    with running(entry, asked, reads=reads, copies=COMPILED, most=most) as told:
        yield told


def told_of_code(source: Source) -> str:
    """Say what is about to run."""
    assert source.code is not None
    assert source.commit is not None
    names = ", ".join(file.path for file in source.code.files)
    return f"Running the checkpoint's own code ({names} at {source.commit[:7]}), shut off"


@contextmanager
def nonsense_refused() -> Iterator[None]:
    """Turn what was made of a message that is none into a sentence.

    Raises:
        ConfinedError: Something in a message is not what belongs there.
    """
    try:
        yield
    except (TypeError, ValueError, LookupError) as error:
        raise ConfinedError("it told something that is no message") from error


def source_of(asked: dict[str, Any]) -> Source:
    """Return the checkpoint that is meant."""
    said = asked["source"]
    code = said["code"] | {"files": tuple(CodeFile(*file) for file in said["code"]["files"])}
    return Source(**said | {"folder": Path(said["folder"]), "code": OwnCode(**code)})


def options_of(asked: dict[str, Any]) -> Options:
    """Return the options that are meant."""
    said = asked["options"]
    return Options(**said | {"end_to_end": tuple(said["end_to_end"])})


def corpus_of(asked: dict[str, Any]) -> Corpus:
    """Return the texts that are meant."""
    said = asked["corpus"]
    return Corpus(**said | {"texts": _texts(said["texts"])})


def _texts(said: Sequence[dict[str, str]]) -> tuple[Text, ...]:
    return tuple(Text(**text) for text in said)
