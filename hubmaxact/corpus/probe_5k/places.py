"""Which text stands where: domain, turn within the domain, and length, for all 5,000.

The order makes every prefix a stratified subset: domains follow each other so that none is ever
ahead of or behind its share by a whole text, and of every hundred texts seven are short ones, one
in each seventh of the hundred. Knows nothing of what the texts say.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from hubmaxact.corpus.prng import Generator

NUM_TEXTS = 5000
DOMAINS = {
    "math": 850,
    "code": 850,
    "web": 850,
    "knowledge": 850,
    "chinese": 400,
    "minority_scripts": 300,
    "other": 900,
}
"""How many texts of each domain, as in arXiv:2605.15572."""

LONG_CAP = 4096
SHORT_CAPS = (256, 512, 1024, 1024, 2048, 2048, 2048)
"""Token caps of seven texts in a hundred; the other 93 aim at `LONG_CAP`."""

BLOCK = 100
SEED = 0x70726F6265


@dataclass(frozen=True, slots=True)
class Place:
    """One text before it is made."""

    index: int
    domain: str
    turn: int  # how many texts of the domain stand before it
    cap: int  # tokens aimed at, of a common byte-level tokenizer
    permille: int  # how much of the cap it fills


@cache
def places() -> tuple[Place, ...]:
    """Return the plan of the whole corpus."""
    turns = dict.fromkeys(DOMAINS, 0)
    plan = []
    for index, (domain, (cap, permille)) in enumerate(zip(_domains(), _lengths(), strict=False)):
        plan.append(Place(index, domain, turns[domain], cap, permille))
        turns[domain] += 1
    return tuple(plan)


def _domains() -> Iterator[str]:
    """Yield the domain whose next text is due first (of those that may already stand)."""
    given = dict.fromkeys(DOMAINS, 0)
    for index in range(NUM_TEXTS):
        # A domain may stand once its share has begun; its deadline is when it must have stood.
        open_now = [d for d in DOMAINS if given[d] * NUM_TEXTS < (index + 1) * DOMAINS[d]]
        due = min(open_now, key=lambda d: (given[d] + 1) * NUM_TEXTS // DOMAINS[d])
        given[due] += 1
        yield due


def _lengths() -> Iterator[tuple[int, int]]:
    """Yield caps and how far each is filled: real documents end before they are cut."""
    generator = Generator(SEED)
    while True:
        caps = [LONG_CAP] * BLOCK
        for number, cap in enumerate(generator.shuffled(SHORT_CAPS)):
            start, end = number * BLOCK // 7, (number + 1) * BLOCK // 7
            caps[start + generator.below(end - start)] = cap
        for cap in caps:
            yield cap, 750 + generator.below(251)
