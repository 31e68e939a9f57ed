"""English texts from a seed file: an opening, then one block after the other.

A genre is a pair of rules in the seed file, so a new one needs no code.
"""

from collections.abc import Callable, Iterator

from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.grammar import capital
from hubmaxact.corpus.probe_5k.topics import english_grammar

Writer = Callable[[Draw], Iterator[str]]


def page_writer(seed: str, genre: str) -> Writer:
    """Return the writer of a genre of a seed file."""

    def write(draw: Draw) -> Iterator[str]:
        grammar = english_grammar(draw, seed)
        yield capital(grammar(f"{genre}_open"))
        while True:
            yield capital(grammar(f"{genre}_block"))

    return write
