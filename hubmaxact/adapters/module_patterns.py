r"""Numbers for modules by pattern, matched as PEFT does, in linear time whoever wrote the pattern.

PEFT matches `(.*\.)?(PATTERN)$` as a regular expression, and nearly all are names. Names are read
here, with `^`, `$`, `\.` and `.*`; whatever else a regular expression holds could take for ever.
"""

import re
from collections.abc import Iterator, Mapping

from hubmaxact.printable import counted, printable

PATTERN = re.compile(r"\^?(?:\.\*|\\\.|[\w.\-])+\$?")
ANYTHING = ".*"
MOST_WITH_ANYTHING = 200
"""Each of these is tried on each module."""


class UnreadablePatternError(Exception):
    """Raised when a pattern is more than a name; its text says which, as the end of a sentence."""


class ModulePatterns:
    """Numbers for some modules.

    Args:
        numbers: By pattern; of several that match, the first counts.

    Raises:
        UnreadablePatternError: A pattern is more than names joined by `.*`.
    """

    def __init__(self, numbers: Mapping[str, float]) -> None:
        self._names: dict[str, tuple[int, float]] = {}
        self._whole: dict[str, tuple[int, float]] = {}
        self._others: list[tuple[int, bool, list[str], float]] = []
        for place, (pattern, number) in enumerate(numbers.items()):
            if not PATTERN.fullmatch(pattern):
                raise UnreadablePatternError(
                    f"the pattern {printable(pattern)}, and only names with ^, $ and .* are read"
                )
            is_whole = pattern.startswith("^")
            body = pattern.removeprefix("^").removesuffix("$").replace("\\.", ".")
            if ANYTHING in body:
                self._others.append((place, is_whole, body.split(ANYTHING), number))
            else:
                (self._whole if is_whole else self._names).setdefault(body, (place, number))
        if len(self._others) > MOST_WITH_ANYTHING:
            raise UnreadablePatternError(
                f"{counted(len(self._others), 'pattern')} with {ANYTHING}, more than "
                f"{MOST_WITH_ANYTHING}"
            )

    def of(self, module: str, otherwise: float) -> float:
        """Return the number for a module.

        Args:
            module: Full name.
            otherwise: What holds where no pattern matches.

        Returns:
            The number of the first pattern that does.
        """
        found = [self._names[end] for end in _ends(module) if end in self._names]
        found += [self._whole[module]] if module in self._whole else []
        found += [
            (place, number)
            for place, is_whole, pieces, number in self._others
            if any(_fits(end, pieces) for end in ([module] if is_whole else _ends(module)))
        ]
        return min(found)[1] if found else otherwise


def _ends(module: str) -> Iterator[str]:
    """A module's name, and what follows each of its dots."""
    yield module
    for place, letter in enumerate(module):
        if letter == ".":
            yield module[place + 1 :]


def _fits(name: str, pieces: list[str]) -> bool:
    """Whether a name is these pieces with anything between them."""
    first, *others = pieces
    if not others:
        return name == first
    last = others.pop()
    if not name.startswith(first) or not name.endswith(last) or len(first + last) > len(name):
        return False
    place, end = len(first), len(name) - len(last)
    for piece in others:  # the leftmost leaves most room for the rest
        place = name.find(piece, place, end)
        if place < 0:
            return False
        place += len(piece)
    return True
