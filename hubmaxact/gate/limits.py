"""The limits of a gate: typed, checked, from the command line, from a TOML file or from both.

Every key of the file can be overridden on the command line, and so can every format in a table. A
value that says nothing (NaN, an infinity, a misspelt key) is refused, because a gate that never
closes looks like one that always passes.
"""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from hubmaxact.errors import HubmaxactError
from hubmaxact.formats import LARGEST_FINITE, full_name
from hubmaxact.printable import LONGEST_PATH, printable, shown
from hubmaxact.report.address import is_local
from hubmaxact.report.source import read_bounded

MAX_LIMITS_BYTES = 8_192  # bytes; a parser may take time that grows with their square
MOST_FORMATS = 64
DEPLOYED = "/"
"""Stands in names of deployed formats, FORMAT/GRANULARITY, and in no other."""


class LimitsError(HubmaxactError):
    """Raised when a limit, or the file it stands in, cannot be used."""


class NoLimitError(LimitsError):
    """Raised when nothing is asked: such a gate would pass whatever comes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What a report must keep to; a field at its default asks nothing.

    Attributes:
        max_abs: M may be at most this, in the tensors' own units.
        not_exceeding: Number formats whose largest finite value no watched tensor may exceed.
        cache_not_exceeding: Number formats whose largest finite value no key or value may exceed.
        min_sqnr_db: By FORMAT or FORMAT:POLICY, the SQNR in decibels that the site which carries M
            must reach; by FORMAT/GRANULARITY[/POLICY][@KIND], that of all tensors of a kind
            together, which is "linear_input" unless it is "key" or "value", and with "lowest:" in
            front that of the tensor which is rounded worst.
        max_loss_change: By [TARGET:]FORMAT/GRANULARITY[/POLICY], how many nats for each token the
            loss may grow by when that is rounded, at the upper end of its interval.
        against: An earlier report of the same protocol, by any of its names; it belongs to
            `max_ratio`.
        max_ratio: M over the earlier M may be at most this; dimensionless.
        require_complete: Everything expected was seen, and all of it was finite.
        no_remote_code: No code of the checkpoint's own was run.
    """

    max_abs: float | None = None
    not_exceeding: tuple[str, ...] = ()
    cache_not_exceeding: tuple[str, ...] = ()
    min_sqnr_db: Mapping[str, float] = field(default_factory=dict)
    max_loss_change: Mapping[str, float] = field(default_factory=dict)
    against: str | Path | None = None
    max_ratio: float | None = None
    require_complete: bool = False
    no_remote_code: bool = False

    def __bool__(self) -> bool:
        """Whether anything is asked at all."""
        return self != Limits()


def limits(settings: Limits | Mapping[str, Any]) -> Limits:
    """Check settings and return them as limits.

    Args:
        settings: Limits, or a mapping with the names of their fields.

    Returns:
        Limits of which every value says something.

    Raises:
        NoLimitError: Nothing is asked.
        LimitsError: A key is unknown or a value cannot be used; the message says what can.
    """
    if isinstance(settings, Limits):
        settings = _given(settings)
    unknown = [key for key in settings if key not in READERS]
    if unknown:
        listed = ", ".join(f'"{printable(str(key), 40)}"' for key in unknown[:3])
        raise LimitsError(f"a gate knows nothing of {listed}; known: {', '.join(READERS)}.")
    found = Limits(**{key: READERS[key](key, value) for key, value in settings.items()})
    if (found.against is None) != (found.max_ratio is None):
        raise LimitsError("against and max_ratio belong together: give both, or neither.")
    if not found:
        raise NoLimitError(f"nothing is asked; give at least one limit of {', '.join(READERS)}.")
    return found


def _given(limits: Limits) -> dict[str, Any]:
    """The fields that ask for something."""
    pairs = ((each.name, getattr(limits, each.name)) for each in fields(limits))
    return {name: value for name, value in pairs if value != getattr(Limits(), name)}


def settings_of(path: Path) -> dict[str, Any]:
    """Return what a TOML file says; a path in `against` is taken from the file's own folder.

    Args:
        path: The file; 8,192 bytes at most.

    Returns:
        Settings, not yet checked.

    Raises:
        UnreadableFileError: It cannot be read.
        LimitsError: It is not TOML, or far too long.
    """
    name, content = printable(str(path), LONGEST_PATH), read_bounded(path)
    if len(content) > MAX_LIMITS_BYTES:
        raise LimitsError(
            f"{name} has more than {MAX_LIMITS_BYTES:,} bytes; a gate needs a few lines."
        )
    try:
        settings = tomllib.loads(content.decode("utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LimitsError(f"{name} is not TOML: {printable(str(error), 200)}.") from error
    against = settings.get("against")
    if isinstance(against, str) and is_local(against, path.parent):
        settings["against"] = path.parent / against
    return settings


def merged(file: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """Override settings of a file by those given, key by key, and format by format.

    Args:
        file: What a file says.
        given: What the user said.

    Returns:
        Settings, not yet checked.
    """
    both = {**file, **given}
    for table in TABLES:
        kept, said = file.get(table), given.get(table)
        if isinstance(kept, dict) and isinstance(said, dict):
            both[table] = {**kept, **said}
    return both


def _refusal(key: str, wanted: str, value: object) -> LimitsError:
    return LimitsError(f"{key} must be {wanted}, found {shown(value)}.")


def _number(key: str, value: object) -> float:
    # bool is an int to Python; an int beyond float64 would overflow.
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e300:
        return float(value)
    raise _refusal(key, "a finite number", value)


def _positive(key: str, value: object) -> float:
    number = _number(key, value)
    if number > 0:
        return number
    raise _refusal(key, "a number above 0", value)


def _formats(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple):
        raise _refusal(key, 'a list of formats, such as ["float16"]', value)
    for name in value:
        if not isinstance(name, str) or full_name(name) not in LARGEST_FINITE:
            raise _refusal(key, f"a list of formats among {', '.join(LARGEST_FINITE)}", name)
    return tuple(dict.fromkeys(map(full_name, value)))


def _decibels(key: str, value: object) -> Mapping[str, float]:
    if not isinstance(value, dict) or len(value) > MOST_FORMATS:
        raise _refusal(key, "a table of FORMAT = decibels, such as int8 = 20", value)
    return {name: _number(f"{key} of {printable(name, 40)}", dB) for name, dB in value.items()}


def _nats(key: str, value: object) -> Mapping[str, float]:
    if not isinstance(value, dict) or len(value) > MOST_FORMATS:
        raise _refusal(key, 'a table of FORMAT = nats, such as "int8/per_token" = 0.02', value)
    return {name: _number(f"{key} of {printable(name, 40)}", nats) for name, nats in value.items()}


def _report(key: str, value: object) -> str | Path:
    if isinstance(value, str | Path) and str(value):
        return value
    raise _refusal(key, "the name of an earlier report", value)


def _flag(key: str, value: object) -> bool:
    if isinstance(value, bool):
        return value
    raise _refusal(key, "true or false", value)


READERS: dict[str, Callable[[str, object], Any]] = {
    "max_abs": _positive,
    "not_exceeding": _formats,
    "cache_not_exceeding": _formats,
    "min_sqnr_db": _decibels,
    "max_loss_change": _nats,
    "against": _report,
    "max_ratio": _positive,
    "require_complete": _flag,
    "no_remote_code": _flag,
}
"""Every setting, and what makes a value of it."""

TABLES = ("min_sqnr_db", "max_loss_change")
"""Settings whose entries are overridden one by one."""
