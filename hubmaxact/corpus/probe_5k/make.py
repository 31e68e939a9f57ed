"""One text of the corpus from its place.

Knows which writer serves which domain and how long a token of its is; the writers know no
lengths, they go on until they are told to stop.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from hubmaxact.corpus.prng import Generator
from hubmaxact.corpus.probe_5k.domains import code, knowledge, math, other, scripts, web
from hubmaxact.corpus.probe_5k.draw import Draw
from hubmaxact.corpus.probe_5k.places import Place
from hubmaxact.corpus.texts import Text

Writer = Callable[[Draw], Iterator[str]]

SEED = 0x68756D61786163740001


@dataclass(frozen=True, slots=True)
class Genre:
    """A kind of text: who writes it, and how many UTF-8 bytes make a token of it.

    The bytes per token are round figures for today's tokenizers of 100,000 entries and more;
    they only set lengths, nothing is measured with them.
    """

    write: Writer
    tenths: int  # bytes per token, in tenths


GENRES: dict[str, tuple[Genre, ...]] = {
    "math": tuple(Genre(write, 24) for write in math.WRITERS),
    "code": tuple(Genre(write, 31) for write in code.WRITERS),
    "web": tuple(Genre(write, 42) for write in web.WRITERS),
    "knowledge": tuple(Genre(write, 42) for write in knowledge.WRITERS),
    "chinese": tuple(Genre(write, 38) for write in scripts.CHINESE_WRITERS),
    "minority_scripts": tuple(Genre(write, 34) for write in scripts.WRITERS),
    "other": tuple(Genre(write, tenths) for write, tenths in other.WRITERS),
}
"""Each domain takes its genres in turn."""


def make_text(place: Place) -> Text:
    """Return the text that stands at a place."""
    genres = GENRES[place.domain]
    genre = genres[place.turn % len(genres)]
    num_bytes = place.cap * place.permille * genre.tenths // 10_000
    draw = Draw(Generator(SEED + place.index).bits())
    return Text(fill(genre.write(draw), num_bytes), place.domain)


def fill(pieces: Iterator[str], num_bytes: int) -> str:
    """Join pieces and cut them at `num_bytes` UTF-8 bytes, or just before: at a character."""
    parts, size = [], 0
    for piece in pieces:
        encoded = piece.encode("utf-8")
        parts.append(encoded)
        size += len(encoded)
        if size >= num_bytes:
            break
    # Errors can only be a character cut in two at the very end.
    return b"".join(parts)[:num_bytes].decode("utf-8", errors="ignore")
