"""The domain `code`: six languages from `code_programs`, five more written line by line."""

from collections.abc import Callable, Iterator

from hubmaxact.corpus.probe_5k.domains.code_languages import GO, JAVA, PYTHON, RUST, TYPESCRIPT, C
from hubmaxact.corpus.probe_5k.domains.code_programs import code_grammar, source_file
from hubmaxact.corpus.probe_5k.draw import Draw


def line_writer(genre: str) -> Callable[[Draw], Iterator[str]]:
    """Return the writer of a language whose rules stand in seeds/code.txt."""

    def write(draw: Draw) -> Iterator[str]:
        grammar = code_grammar(draw)
        yield grammar(f"{genre}_open")
        while True:
            yield grammar(f"{genre}_block")

    return write


WRITERS = (
    source_file(PYTHON),
    source_file(C),
    line_writer("sql"),
    source_file(TYPESCRIPT),
    source_file(RUST),
    line_writer("shell"),
    source_file(JAVA),
    line_writer("html"),
    source_file(PYTHON),
    source_file(GO),
    line_writer("haskell"),
    source_file(C),
    line_writer("config"),
)
"""Thirteen, which shares no factor with the lengths' hundred."""
