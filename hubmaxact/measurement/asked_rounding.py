"""What `--end-to-end` asks for: where rounding is really applied, and how. No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from hubmaxact.deployed_formats import LINEAR_INPUTS, TARGETS, DeployedFormat, find_way
from hubmaxact.errors import OptionsError
from hubmaxact.printable import printable

LONGEST = 80  # characters of what was asked, in a message


@dataclass(frozen=True, slots=True)
class AskedRounding:
    """A target and a way of rounding it."""

    target: str
    way: DeployedFormat

    @property
    def name(self) -> str:
        """A name that is asked for the same again."""
        return f"{self.target}:{self.way.name}"


def asked_roundings(said: str | Sequence[str]) -> tuple[AskedRounding, ...]:
    """Read what was asked for.

    Args:
        said: [TARGET:]FORMAT[/GRANULARITY][/POLICY], several parted by commas or in a sequence.
            The target is `linear_inputs` if none is named. Of several ways that fit, the first of
            the table is meant.

    Returns:
        One for each, in the order asked.

    Raises:
        OptionsError: There is no such target, or no such way of rounding it, or one is named twice.
    """
    texts = [said] if isinstance(said, str) else said
    found = tuple(_asked(part.strip()) for text in texts for part in text.split(",") if text)
    twice = next((each for each in found if found.count(each) > 1), None)
    if twice is not None:
        raise OptionsError(f"end_to_end names {twice.name} twice. Name it once.")
    return found


def _asked(text: str) -> AskedRounding:
    target, colon, rest = text.partition(":")
    if not colon:
        target, rest = LINEAR_INPUTS, text
    if target not in TARGETS:
        raise OptionsError(
            f"end_to_end rounds {', '.join(TARGETS)}; found {_shown(target)}. "
            "Write it as [TARGET:]FORMAT[/GRANULARITY[/POLICY]]."
        )
    ways = TARGETS[target]
    if (way := find_way(rest, ways)) is not None:
        return AskedRounding(target, way)
    name = rest.partition("/")[0]
    known = ", ".join(way.name for way in ways if way.format == name)
    known = known or ", ".join(dict.fromkeys(way.format for way in ways))
    raise OptionsError(f"end_to_end rounds {target} to none of {_shown(rest)}. Use {known}.")


def _shown(text: str) -> str:
    return f"'{printable(text, LONGEST)}'"
