"""Which modules a group of a declaration means: exact names, patterns, or classes of modules.

Patterns are strangers' and Python's own matcher can take for ever over a few characters. So only
those are matched that cannot: every repetition is of one character, no group is repeated, and there
are few ways to go.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hubmaxact.printable import printable
from hubmaxact.stored_weights.unknown import UnknownStorageError

PATTERN = "re:"
"""What stands before a pattern; any other target is a name or a class."""

LONGEST_PATTERN = 300  # characters
MOST_PATTERNS = 200
MOST_WAYS = 1e8
LENGTH = 100  # characters of a name, about

_ONE = r"(?:\\[dDwWsS]|\\[^0-9A-Za-z]|\[\^?[^\[\]\\]+\]|[^\\\[\](){}|*+?^$])"
_TIMES = r"(?:[*+?]|\{\d{1,2}\})?\??"
_ITEM = rf"(?:\^|\$|{_ONE}{_TIMES})"
_GROUP = rf"\((?:\?:)?(?:{_ITEM}|\|)*+\)\??"
_GROUPS = rf"\((?:\?:)?(?:{_ITEM}|\||{_GROUP})*+\)\??"
_AHEAD = rf"\(\?[=!](?:{_ITEM}|\||{_GROUP})*+\)"
HARMLESS = re.compile(rf"(?:{_ITEM}|{_AHEAD}|{_GROUPS})*+")


@dataclass(frozen=True, slots=True)
class Targets:
    """What one group of a declaration applies to.

    Attributes:
        names: Of modules, or of their classes: no file tells one from the other.
        patterns: Matched from the start of a module's name.
    """

    names: frozenset[str] = frozenset()
    patterns: tuple[str, ...] = ()

    @property
    def has_classes(self) -> bool:
        """Whether modules may be meant by their class, which no file tells."""
        return any(name[:1].isupper() for name in self.names)

    def rank(self, module: str) -> int | None:
        """Tell how closely a module is meant.

        Args:
            module: Its full name.

        Returns:
            0: by name; 1: by a pattern; 2: at most by its class. None: not at all.
        """
        if module in self.names:
            return 0
        if any(re.match(pattern, module) for pattern in self.patterns):
            return 1
        return 2 if self.has_classes else None


EVERYTHING = Targets(frozenset({"Linear"}))


def targets(found: object, method: str) -> Targets:
    """Read the targets of a group.

    Args:
        found: What a declaration holds, whoever wrote it.
        method: How a refusal calls the method.

    Returns:
        Names and patterns; nothing at all is every module.

    Raises:
        UnknownStorageError: It holds something else, or patterns that may take for ever.
    """
    if found is None:
        return EVERYTHING
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise UnknownStorageError(f"{method} with targets that are no names")
    patterns = [each.removeprefix(PATTERN) for each in found if each.startswith(PATTERN)]
    if len(patterns) > MOST_PATTERNS:
        raise UnknownStorageError(f"{method} with more than {MOST_PATTERNS} patterns of modules")
    for pattern in patterns:
        if not _is_harmless(pattern):
            raise UnknownStorageError(
                f"{method} with a pattern of modules that is not read here, {printable(pattern)}"
            )
    return Targets(frozenset(_names(found)), tuple(patterns))


def _names(found: Iterable[str]) -> Iterable[str]:
    return (each for each in found if not each.startswith(PATTERN))


def _is_harmless(pattern: str) -> bool:
    if len(pattern) > LONGEST_PATTERN or not HARMLESS.fullmatch(pattern):
        return False
    if _ways(re.sub(r"\.[*+]\$?$", "", pattern)) > MOST_WAYS:  # at the end they cost nothing
        return False
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError):
        return False
    return True


def _ways(pattern: str) -> float:
    """At most in how many ways a name of some length can be divided among what may repeat."""
    plain = pattern.replace("(?", "(")
    groups, bars = plain.count("("), plain.count("|")
    repeated = plain.count("*") + plain.count("+")
    each = (bars + groups) / groups if groups else 1.0  # most where all have as many
    return float(LENGTH) ** min(repeated, 9) * 2.0 ** plain.count("?") * each ** min(groups, 99)
