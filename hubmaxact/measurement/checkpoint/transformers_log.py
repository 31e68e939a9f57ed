"""What transformers says of its own accord: kept for one sentence, and never printed."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

import transformers


class _Kept(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self.said = said

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(record.getMessage())


@contextmanager
def transformers_log() -> Iterator[list[str]]:
    """Keep transformers' warnings instead of showing them.

    Yields:
        What it has said so far.
    """
    said: list[str] = []
    kept = _Kept(said)
    before = transformers.logging.get_verbosity()
    transformers.logging.disable_default_handler()
    transformers.logging.add_handler(kept)
    transformers.logging.set_verbosity_warning()
    try:
        yield said
    finally:
        transformers.logging.remove_handler(kept)
        transformers.logging.enable_default_handler()
        transformers.logging.set_verbosity(before)
