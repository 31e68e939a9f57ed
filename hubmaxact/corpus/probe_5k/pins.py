"""What makes probe-5k one corpus: its name, its version, and the digests it must have.

Texts are made in windows of 128 and each window is compared with its pin, so that a generator
that differs by one character is found before anything is measured.
"""

import hashlib
from collections.abc import Callable
from functools import cache

from hubmaxact.corpus.probe_5k.grammar import read_seed
from hubmaxact.corpus.probe_5k.make import make_text
from hubmaxact.corpus.probe_5k.places import NUM_TEXTS, places
from hubmaxact.corpus.texts import Corpus, Text, check_num_samples, digest_of
from hubmaxact.errors import CorpusError

NAME = "probe-5k"
VERSION = "1"
WINDOW = 128
PINS_FILE = "pins.txt"


def load(
    num_samples: int | None = None,
    window_of: Callable[[int], tuple[Text, ...]] | None = None,
) -> Corpus:
    """Return the corpus or its first texts; whole windows are made and checked.

    Args:
        num_samples: Texts to take, from the first. None: all.
        window_of: Brings a window by its number. None: `make_window`.

    Returns:
        The texts, under the digest of the whole corpus, which its pins make.

    Raises:
        CorpusError: A window differs from its pin, or more texts are asked for than there are.
    """
    wanted = check_num_samples(num_samples, NUM_TEXTS, NAME)
    texts: list[Text] = []
    for number, pin in enumerate(pins()):
        if len(texts) >= wanted:
            break
        window = (window_of or make_window)(number)
        check_window(number, digest_of(window), pin)
        texts.extend(window)
    return Corpus(
        name=NAME,
        version=VERSION,
        kind="synthetic",
        digest=combine(pins()),
        texts=tuple(texts[:wanted]),
    )


def make_window(number: int) -> tuple[Text, ...]:
    """Make the texts of one window; the last window is the shorter one."""
    return tuple(map(make_text, places()[number * WINDOW : (number + 1) * WINDOW]))


def check_window(number: int, digest: str, pin: str) -> None:
    """Compare a window with its pin.

    Args:
        number: Of the window, from 0.
        digest: Of the texts that were made.
        pin: The digest they must have.

    Raises:
        CorpusError: They differ.
    """
    if digest != pin:
        last = min((number + 1) * WINDOW, NUM_TEXTS) - 1
        raise CorpusError(
            f"texts {number * WINDOW} to {last} of {NAME} have digest "
            f"{digest[:23]}..., the package pins {pin[:23]}...: the generator or the platform "
            "differs. Reinstall hubmaxact; if it stays, please report it."
        )


@cache
def pins() -> tuple[str, ...]:
    """Return the pinned digest of each window, in order."""
    return tuple(line for line in read_seed(PINS_FILE).split("\n") if line.startswith("sha256:"))


def combine(digests: tuple[str, ...]) -> str:
    """Return the corpus's digest: SHA-256 over the windows' digests, a line each."""
    joined = "\n".join(digests)
    return f"sha256:{hashlib.sha256(joined.encode()).hexdigest()}"
